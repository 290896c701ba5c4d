//! Datagrams for a relay, carried by a stream (RFC 8656, 12.5; the library speaks to relays by UDP alone).

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::relay::{RelayTransport, RelayUrl, Relays};

/// A relay that does not answer by then is not there for this call.
const CONNECTING: Duration = Duration::from_secs(5);

/// A second of a busy call and more; when full, packets are lost as they are on a network that is full.
const WAITING: usize = 128;

/// The longest that RFC 8656 has: a STUN message or channel data with 16 bits of length.
const LONGEST: usize = 20 + 65_535;

/// One stream to one relay. It lives as long as this and the stream do; a stream that broke is not replaced, because
/// the relay has forgotten us with it.
#[derive(Debug)]
pub(super) struct Tunnel {
    out: mpsc::Sender<Vec<u8>>,
    back: Mutex<mpsc::Receiver<Vec<u8>>>,
}

impl Tunnel {
    /// Starts to connect. Needs a Tokio runtime.
    pub(super) fn to(relay: &RelayUrl, relays: &Relays) -> Self {
        let (out, packets) = mpsc::channel(WAITING);
        let (there, back) = mpsc::channel(WAITING);
        let (relay, tls) = (relay.clone(), TlsConnector::from(Arc::clone(&relays.tls)));
        tokio::spawn(async move {
            if let Err(error) = run(&relay, tls, packets, there).await {
                tracing::warn!(host = %relay.host, port = relay.port, %error, "the relay is not reached");
            }
        });
        Self {
            out,
            back: Mutex::new(back),
        }
    }

    /// Sends one datagram, or loses it.
    pub(super) fn send(&self, datagram: &[u8]) {
        let _ = self.out.try_send(datagram.to_vec());
    }

    /// The next datagram from there; pending for ever once the stream has ended.
    pub(super) fn poll_back(&self, cx: &mut Context<'_>) -> Poll<Vec<u8>> {
        let mut back = self.back.lock().unwrap_or_else(PoisonError::into_inner);
        match back.poll_recv(cx) {
            Poll::Ready(Some(datagram)) => Poll::Ready(datagram),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

async fn run(
    relay: &RelayUrl,
    tls: TlsConnector,
    packets: mpsc::Receiver<Vec<u8>>,
    back: mpsc::Sender<Vec<u8>>,
) -> io::Result<()> {
    let connect = async {
        let stream = TcpStream::connect((relay.host.as_str(), relay.port)).await?;
        // Speech does not wait for more of it.
        stream.set_nodelay(true)?;
        let stream: Box<dyn Stream> = match relay.transport {
            RelayTransport::Udp | RelayTransport::Tcp => Box::new(stream),
            RelayTransport::Tls => {
                let name = ServerName::try_from(relay.host.clone()).map_err(io::Error::other)?;
                Box::new(tls.connect(name, stream).await?)
            }
        };
        Ok::<_, io::Error>(stream)
    };
    let stream = tokio::time::timeout(CONNECTING, connect)
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    let (reading, writing) = tokio::io::split(stream);
    tokio::select! {
        ended = read(reading, &back) => ended,
        ended = write(writing, packets) => ended,
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Ends well when nobody sends any more.
async fn write(
    mut stream: impl AsyncWrite + Unpin,
    mut packets: mpsc::Receiver<Vec<u8>>,
) -> io::Result<()> {
    while let Some(mut packet) = packets.recv().await {
        // In a stream everything is padded to four bytes; of datagrams only STUN messages are already.
        packet.resize(packet.len().next_multiple_of(4), 0);
        stream.write_all(&packet).await?;
        stream.flush().await?;
    }
    Ok(())
}

async fn read(mut stream: impl AsyncRead + Unpin, back: &mpsc::Sender<Vec<u8>>) -> io::Result<()> {
    let mut packet = vec![0; LONGEST];
    loop {
        stream.read_exact(&mut packet[..4]).await?;
        let said = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
        let length = match packet[0] {
            0..=3 => 20 + said,
            0x40..=0x4f => 4 + said,
            other => {
                let why = format!("a frame that begins with {other}");
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
        };
        let padded = length.next_multiple_of(4);
        if padded > packet.len() {
            packet.resize(padded, 0);
        }
        stream.read_exact(&mut packet[4..padded]).await?;
        // Nobody takes them: they are lost, as they are on a network that is full.
        let _ = back.try_send(packet[..length].to_vec());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_are_cut_out_of_the_stream_wherever_it_breaks() {
        let stun = [&[0, 1, 0, 4][..], &[7; 16], &[8; 4]].concat();
        let channel = [0x40, 0, 0, 3, 1, 2, 3];
        let stream: Vec<u8> = [&stun[..], &channel, &[0], &stun].concat();
        let (mut far, near) = tokio::io::duplex(8);
        let (there, mut back) = mpsc::channel(8);
        let reading = tokio::spawn(async move { read(near, &there).await });
        for piece in stream.chunks(5) {
            far.write_all(piece).await.unwrap();
        }
        drop(far);
        assert_eq!(back.recv().await, Some(stun.clone()));
        assert_eq!(back.recv().await, Some(channel.to_vec()));
        assert_eq!(back.recv().await, Some(stun));
        assert_eq!(back.recv().await, None);
        assert!(reading.await.unwrap().is_err(), "the stream ended");
    }

    #[tokio::test]
    async fn nonsense_ends_the_stream() {
        let (there, _back) = mpsc::channel(8);
        let error = read(&b"SSH-2.0-somebody else"[..], &there)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[tokio::test]
    async fn channel_data_is_padded_on_its_way_out() {
        let (out, packets) = mpsc::channel(8);
        out.send(vec![0x40, 0, 0, 1, 9]).await.unwrap();
        drop(out);
        let mut stream = Vec::new();
        write(&mut stream, packets).await.unwrap();
        assert_eq!(stream, [0x40, 0, 0, 1, 9, 0, 0, 0]);
    }
}
