//! What is answered, and to whom.
//!
//! Anything that runs in a browser of this machine can send requests to a port of it, and a name of somebody else can
//! be made to lead here. So a request must name this server as its host, and if it says which page it comes from, that
//! must be ours.

use super::upload;
use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use lab::page::{Backend, html};
use std::cell::RefCell;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The longest question: 200 deeds and two programs of 40 lines are a tenth of it.
const QUESTION_BYTES_MAX: usize = 256 << 10;

/// The page, and the laboratory behind it.
pub(super) struct Answers {
    lab: RefCell<lab::Lab>,
    page: Bytes,
    /// What `Host` may be.
    hosts: [String; 2],
    /// Captures are explained one after the other: each takes a processor, and memory.
    lens: Arc<Semaphore>,
}

type Answer = Response<Full<Bytes>>;

impl Answers {
    /// For the server on this port.
    pub(super) fn new(port: u16) -> Answers {
        Answers {
            lab: RefCell::default(),
            page: html(Backend::Http).into(),
            hosts: ["127.0.0.1", "localhost"].map(|name| format!("{name}:{port}")),
            lens: Arc::new(Semaphore::new(1)),
        }
    }

    /// One request and its answer.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Result<Answer, Infallible> {
        let (head, body) = request.into_parts();
        if !self.is_for_us(&head.headers) {
            return Ok(refusal(StatusCode::FORBIDDEN, "this laboratory answers its own page only\n"));
        }
        Ok(match (head.uri.path(), &head.method) {
            ("/", &Method::GET | &Method::HEAD) => answer("text/html; charset=utf-8", self.page.clone()),
            ("/call", &Method::POST) => self.call(body).await,
            ("/explain", &Method::POST) => self.explain(&head.uri, body).await,
            ("/", _) => not_allowed("GET, HEAD"),
            ("/call" | "/explain", _) => not_allowed("POST"),
            _ => refusal(StatusCode::NOT_FOUND, "there is nothing here; the laboratory is at /\n"),
        })
    }

    /// Whether `Host` is this server, and `Origin`, where it is there, too.
    fn is_for_us(&self, fields: &HeaderMap) -> bool {
        let is_ours = |value: &[u8]| self.hosts.iter().any(|host| host.as_bytes() == value);
        let is_our_page =
            |origin: &HeaderValue| origin.as_bytes().strip_prefix(b"http://").is_some_and(is_ours);
        let mut hosts = fields.get_all(HOST).iter();
        let is_host_ours =
            hosts.next().is_some_and(|host| is_ours(host.as_bytes())) && hosts.next().is_none();
        is_host_ours && fields.get_all(ORIGIN).iter().all(is_our_page)
    }

    async fn call(&self, body: Incoming) -> Answer {
        let question = match Limited::new(body, QUESTION_BYTES_MAX).collect().await {
            Ok(question) => question.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                return refusal(StatusCode::PAYLOAD_TOO_LARGE, "a question has at most 256 KiB\n");
            }
            Err(_) => return refusal(StatusCode::BAD_REQUEST, "the question broke off\n"),
        };
        let answered = self.lab.borrow_mut().call(&String::from_utf8_lossy(&question));
        answer("application/json", answered.into())
    }

    /// The page of the capture that is the body. It is read as it comes, on a thread that may wait for it.
    async fn explain(&self, uri: &Uri, body: Incoming) -> Answer {
        let options = options(uri.query().unwrap_or_default());
        let turn = Arc::clone(&self.lens).acquire_owned().await;
        let (pieces, file) = upload::channel();
        // The turn is the thread's: who goes away before the answer does not end the work.
        let page = tokio::task::spawn_blocking(move || {
            let page = lab::explain(file, &options);
            drop(turn);
            page
        });
        upload::pass_on(body, pieces).await;
        match page.await {
            Ok(Ok(page)) => answer("text/html; charset=utf-8", page.into()),
            Ok(Err(error)) => {
                let mut refused = answer("application/json", error.into());
                *refused.status_mut() = StatusCode::BAD_REQUEST;
                refused
            }
            Err(_) => refusal(StatusCode::INTERNAL_SERVER_ERROR, "this capture could not be explained\n"),
        }
    }
}

/// The value of `options`, and `{}` without it.
fn options(query: &str) -> String {
    let found = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "options");
    found.map_or_else(|| "{}".to_owned(), |(_, value)| value.into_owned())
}

fn answer(media_type: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    let fields = [
        (CONTENT_TYPE, media_type),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    answer.headers_mut().extend(fields.map(|(name, value)| (name, HeaderValue::from_static(value))));
    answer
}

fn refusal(status: StatusCode, sentence: &'static str) -> Answer {
    let mut refusal = answer("text/plain; charset=utf-8", Bytes::from_static(sentence.as_bytes()));
    *refusal.status_mut() = status;
    refusal
}

fn not_allowed(methods: &'static str) -> Answer {
    let mut refusal = refusal(StatusCode::METHOD_NOT_ALLOWED, "this is not done here\n");
    refusal.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    refusal
}
