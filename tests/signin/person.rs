//! A person without a browser: follows the links and redirects that a browser would.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Opens an address and follows what it says, to the last page; its text.
pub(crate) async fn follow(url: &str) -> String {
    let mut url = url.to_owned();
    for _ in 0..5 {
        let (head, text) = fetch(&url).await;
        match location(&head) {
            Some(next) if next.starts_with('/') => {
                let host = url.splitn(4, '/').take(3).collect::<Vec<_>>();
                url = format!("{}{next}", host.join("/"));
            }
            Some(next) => url = next,
            None => return text,
        }
    }
    panic!("too many redirects");
}

fn location(head: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("location")
            .then(|| value.trim().to_owned())
    })
}

async fn fetch(url: &str) -> (String, String) {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), text.to_owned())
}
