//! Which addresses a connection binds.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use super::BindPolicy;

/// What is bound. `0.0.0.0` stands for every interface but the loopback; the library enumerates them.
pub(super) fn to_bind(policy: &BindPolicy, with_loopback: bool) -> Vec<SocketAddr> {
    let socket = |address: Ipv4Addr| SocketAddr::from((address, 0));
    match policy {
        BindPolicy::Only(addresses) => addresses.iter().copied().map(socket).collect(),
        BindPolicy::Interfaces if with_loopback => {
            vec![socket(Ipv4Addr::LOCALHOST), socket(Ipv4Addr::UNSPECIFIED)]
        }
        BindPolicy::Interfaces => vec![socket(Ipv4Addr::UNSPECIFIED)],
    }
}

/// Whether this machine could send anywhere but to itself. Nothing is sent.
pub(super) fn has_network() -> bool {
    // An address for documentation: it stands for "somewhere else".
    facing(&[IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))]).is_some_and(|ip| !ip.is_loopback())
}

/// The address from which the system would send to a candidate. Nothing is sent.
pub(super) fn facing(candidates: &[IpAddr]) -> Option<IpAddr> {
    let far = candidates.iter().find(|address| address.is_ipv4())?;
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((*far, 9)).ok()?;
    socket
        .local_addr()
        .ok()
        .map(|address| address.ip())
        .filter(|ip| !ip.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_is_bound_for_neighbours_only() {
        let names = |with| -> Vec<String> {
            to_bind(&BindPolicy::Interfaces, with)
                .iter()
                .map(|one| one.ip().to_string())
                .collect()
        };
        assert_eq!(names(false), ["0.0.0.0"]);
        assert_eq!(names(true), ["127.0.0.1", "0.0.0.0"]);
    }

    #[test]
    fn a_neighbour_is_faced_from_the_loopback() {
        let far = [IpAddr::from([127, 0, 0, 1])];
        assert_eq!(facing(&far), Some(far[0]));
        assert_eq!(facing(&[]), None);
    }
}
