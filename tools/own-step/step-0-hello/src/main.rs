//! Start-up: bind the port, serve.

use std::{env, io};

use step_0_hello::app;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> io::Result<()> {
    let addr = env::var("ADDR").unwrap_or("127.0.0.1:8000".to_owned());
    let listener = TcpListener::bind(addr).await?;
    println!("step-0-hello: http://{}", listener.local_addr()?);
    axum::serve(listener, app()).await
}
