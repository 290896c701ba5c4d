//! Two words of HTTP, spoken by hand: a client library would sit in the memory that is measured.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Asks `http://ADDRESS` for a path; a body makes it a POST.
pub(crate) async fn ask(url: &str, path: &str, body: Option<&str>) -> String {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let verb = if body.is_some() { "POST" } else { "GET" };
    let body = body.unwrap_or_default();
    let request = format!(
        "{verb} {path} HTTP/1.0\r\nhost: {address}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    assert!(
        head.lines().next().unwrap().contains(" 200 "),
        "{path}: {head}"
    );
    body.to_owned()
}
