//! Bodies: lengths, chunks, ends that come too early.

use super::super::head::Request;
use super::*;
use proptest::prelude::*;
use std::time::{Duration, Instant};

fn framing(lines: &str) -> Result<Framing, FramingError> {
    let text = format!("PUT / HTTP/1.1\r\n{lines}\r\n");
    let deadline = Instant::now() + Duration::from_secs(9);
    framing_of_request(&Request::read(&mut text.as_bytes(), deadline).expect("a head").fields)
}

fn read(bytes: &[u8], framing: Framing) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut rest = bytes;
    let mut body = Body::new(&mut rest, framing);
    let mut text = Vec::new();
    body.read_to_end(&mut text)?;
    assert!(body.is_done());
    Ok((text, rest.to_vec()))
}

#[test]
fn a_body_ends_as_its_head_says() {
    assert_eq!(framing(""), Ok(Framing::Empty));
    assert_eq!(framing("Content-Length: 7\r\n"), Ok(Framing::Length(7)));
    assert_eq!(framing("Content-Length: 7\r\nContent-Length: 7\r\n"), Ok(Framing::Length(7)));
    assert_eq!(framing("Content-Length: 7\r\nContent-Length: 8\r\n"), Err(FramingError::BadLength));
    assert_eq!(framing("Content-Length: +7\r\n"), Err(FramingError::BadLength));
    assert_eq!(framing("Content-Length: 99999999999999999999\r\n"), Err(FramingError::BadLength));
    assert_eq!(framing("Transfer-Encoding: Chunked\r\n"), Ok(Framing::Chunked));
    assert_eq!(framing("Transfer-Encoding: gzip, chunked\r\n"), Err(FramingError::UnknownCoding));
    let both = "Transfer-Encoding: chunked\r\nContent-Length: 7\r\n";
    assert_eq!(framing(both), Err(FramingError::LengthAndChunks));
}

#[test]
fn it_is_read_to_its_end_and_no_further() {
    let whole = read(b"1234567rest", Framing::Length(7)).expect("seven bytes");
    assert_eq!(whole, (b"1234567".to_vec(), b"rest".to_vec()));
    let chunks = b"4;why=not\r\nabcd\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nrest";
    let whole = read(chunks, Framing::Chunked).expect("chunks");
    assert_eq!(whole, (b"abcd0123456789".to_vec(), b"rest".to_vec()));
    assert_eq!(read(b"all", Framing::UntilClose).expect("all").0, b"all");
    assert_eq!(read(b"rest", Framing::Empty).expect("nothing").1, b"rest");
}

#[test]
fn an_early_end_is_told_from_a_wrong_chunk() {
    let kind = |bytes: &[u8], framing| read(bytes, framing).expect_err("a failure").kind();
    assert_eq!(kind(b"123", Framing::Length(7)), ErrorKind::UnexpectedEof);
    for cut in ["", "4", "4\r\nab", "4\r\nabcd", "4\r\nabcd\r\n", "4\r\nabcd\r\n0\r\n"] {
        assert_eq!(kind(cut.as_bytes(), Framing::Chunked), ErrorKind::UnexpectedEof, "{cut:?}");
    }
    for wrong in ["x\r\n", "-1\r\n", "\r\n", "2\r\nabcd\r\n", "fffffffffffffffff\r\n"] {
        assert_eq!(kind(wrong.as_bytes(), Framing::Chunked), ErrorKind::InvalidData, "{wrong:?}");
    }
    let long = format!("4;{}\r\n", "x".repeat(5_000));
    assert_eq!(kind(long.as_bytes(), Framing::Chunked), ErrorKind::InvalidData);
    let trailers = format!("0\r\n{}", "a: b\r\n".repeat(TRAILER_LINES_MAX + 1));
    assert_eq!(kind(trailers.as_bytes(), Framing::Chunked), ErrorKind::InvalidData);
}

proptest! {
    #[test]
    fn any_bytes_are_read_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        let _ = read(&bytes, Framing::Chunked);
    }

    #[test]
    fn chunks_of_any_size_make_the_whole(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..10)) {
        let mut wire = Vec::new();
        for piece in &pieces {
            wire.extend(format!("{:x}\r\n", piece.len()).into_bytes());
            wire.extend(piece);
            wire.extend(b"\r\n");
        }
        wire.extend(b"0\r\n\r\n");
        prop_assert_eq!(read(&wire, Framing::Chunked).expect("chunks").0, pieces.concat());
    }
}
