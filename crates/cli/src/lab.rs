//! `synfin lab`: the TCP laboratory, served to a browser of this machine.
//!
//! Here are the arguments and the life of the server: listen, say where, wait for Ctrl-C. What is *not* here: what is
//! answered and to whom ([`answers`]), and the laboratory itself (`lab`). The sockets are the kernel's, because the
//! browser of this machine is to reach them without any privilege.

mod answers;
mod socket;
mod upload;

use crate::failure::{Failure, Outcome, print};
use crate::interrupt;
use crate::notes::note;
use answers::Answers;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use socket::Socket;
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::LocalSet;

/// The most connections at once: a browser opens six to one host.
const CONNECTIONS_MAX: usize = 64;
/// How long a connection may say nothing.
const IDLE: Duration = Duration::from_secs(300);
/// The longest head of a request. hyper wants at least 8 KiB.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// How long to wait after a connection could not be accepted.
const REST: Duration = Duration::from_millis(100);

/// Open a TCP laboratory: lessons in a browser, in which every step can be taken, changed and taken back.
///
/// Both ends, the wire between them and the time are simulated; the hosts are the same that run on a real wire. Only
/// browsers of this machine can reach the page, and it loads nothing from anywhere else.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Lab {
    /// The port on this machine; 0 for any that is free.
    #[arg(long, value_name = "PORT", allow_negative_numbers = true, default_value_t = 9293, value_parser = crate::units::whole(0..=u16::MAX))]
    port: u16,
}

const EXAMPLES: &str = "\
Examples:
  synfin lab                 then open the address that it prints
  synfin lab --port 0        on a port that is free

Ctrl-C ends it.";

impl Lab {
    /// Serves until Ctrl-C.
    pub(crate) fn run(&self) -> Outcome {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::io("start the laboratory", &error))?;
        // A run is kept between two questions, on this thread.
        LocalSet::new().block_on(&runtime, self.serve())
    }

    async fn serve(&self) -> Outcome {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await;
        let listener = listener.map_err(|error| cannot_listen(self.port, &error))?;
        let port = listener.local_addr().map_or(self.port, |address| address.port());
        let over = Arc::new(Notify::new());
        let interrupted = Arc::clone(&over);
        interrupt::on_interrupt(move || interrupted.notify_one())?;
        print(&format!("http://127.0.0.1:{port}/\n"))?;
        note(format_args!("open this address in a browser of this machine; Ctrl-C ends the laboratory"));
        tokio::select! {
            () = accept(listener, Rc::new(Answers::new(port))) => {}
            () = over.notified() => {}
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn cannot_listen(port: u16, error: &std::io::Error) -> Failure {
    if error.kind() == ErrorKind::AddrInUse {
        return Failure::new(format!(
            "port {port} of this machine is taken; is a laboratory running already? --port 0 takes a free one"
        ));
    }
    Failure::io(format_args!("listen on port {port}"), error)
}

/// Accepts for ever, with a task for each connection.
async fn accept(listener: TcpListener, answers: Rc<Answers>) {
    let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let answers = Rc::clone(&answers);
                tokio::task::spawn_local(async move {
                    exchange(stream, &answers).await;
                    drop(seat);
                });
            }
            Err(_) => tokio::time::sleep(REST).await,
        }
    }
}

/// One connection, request after request.
async fn exchange(stream: TcpStream, answers: &Answers) {
    let service = service_fn(|request| answers.answer(request));
    let mut http = http1::Builder::new();
    http.max_buf_size(HEAD_BYTES_MAX);
    // A browser that went away in the middle of a question has nothing to be told.
    drop(http.serve_connection(Socket::new(stream, IDLE), service).await);
}
