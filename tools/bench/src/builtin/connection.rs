//! One client with one connection.

use std::time::Duration;

use anyhow::Result;
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use load::Url;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::page;
use crate::results::Failure;

/// How long a connection may be idle before it is replaced. Servers close idle connections, gunicorn
/// after 2 s, and a request that crosses such a close on its way is lost, which is no error of
/// the server's.
const IDLE_MAX: Duration = Duration::from_secs(1);

/// A client that keeps its connection for as long as the server does.
#[derive(Debug)]
pub(super) struct Client {
    page: Url,
    connection: Option<(SendRequest<Empty<Bytes>>, Instant)>,
}

impl Client {
    pub(super) fn new(page: Url) -> Client {
        Client {
            page,
            connection: None,
        }
    }

    /// Makes a connection ahead of the first visit.
    pub(super) async fn connect(&mut self) -> Result<(), Failure> {
        let sender = connect(&self.page.authority).await;
        self.connection = Some((sender.map_err(|_| Failure::Connect)?, Instant::now()));
        Ok(())
    }

    /// Visits the page and returns the number on it.
    pub(super) async fn visit(&mut self) -> Result<u64, Failure> {
        let mut sender = self.ready().await?;
        let request = Request::get(&self.page.path)
            .header(header::HOST, &self.page.authority)
            .body(Empty::new())
            .expect("the path was part of a URL");
        let response = sender.send_request(request).await;
        let response = response.map_err(|_| Failure::Read)?;
        let status = response.status();
        let body = response.into_body().collect().await;
        let body = body.map_err(|_| Failure::Read)?.to_bytes();
        self.connection = Some((sender, Instant::now()));
        if status != StatusCode::OK {
            return Err(Failure::Status);
        }
        let text = str::from_utf8(&body).map_err(|_| Failure::Body)?;
        page::number(text).ok_or(Failure::Body)
    }

    /// The connection, or a new one when it was closed or is about to be. While a visit is under way
    /// it is not ours: a visit that is given up takes its connection with it.
    async fn ready(&mut self) -> Result<SendRequest<Empty<Bytes>>, Failure> {
        if let Some((mut sender, since)) = self.connection.take()
            && since.elapsed() < IDLE_MAX
            && sender.ready().await.is_ok()
        {
            return Ok(sender);
        }
        self.connect().await?;
        let (sender, _) = self.connection.take().ok_or(Failure::Connect)?;
        Ok(sender)
    }
}

async fn connect(authority: &str) -> Result<SendRequest<Empty<Bytes>>> {
    let stream = TcpStream::connect(authority).await?;
    // Without it the kernel may wait for more to send, and we would measure that.
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // Whatever ends the connection, the sender hears of it.
    tokio::spawn(connection);
    Ok(sender)
}
