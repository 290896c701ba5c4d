//! Which addresses a connection binds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

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

/// The IPv6 address that is bound beside those of IPv4: the one from which the system would send to the far side, if it
/// names an IPv6 candidate; without an offer (`far` is none), the one that leads into the world. Nothing is sent.
pub(super) fn beside_ipv4(policy: &BindPolicy, far: Option<&[IpAddr]>) -> Option<SocketAddr> {
    match policy {
        BindPolicy::Interfaces => {}
        BindPolicy::Only(_) => return None,
    }
    // An address for documentation: it stands for "somewhere else".
    let world = [IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))];
    let far = far.unwrap_or(&world).iter().find(|far| far.is_ipv6())?;
    let socket = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((*far, 9)).ok()?;
    match socket.local_addr().ok()?.ip() {
        // A link-local address means nothing without the name of an interface, which a candidate cannot carry.
        IpAddr::V6(near) if !near.is_unspecified() && !near.is_unicast_link_local() => {
            Some(SocketAddr::from((near, 0)))
        }
        IpAddr::V6(_) | IpAddr::V4(_) => None,
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
    toward(*far)
}

/// The address from which the system would send there. Nothing is sent.
pub(super) fn toward(far: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match far {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect((far, 9)).ok()?;
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
    fn ipv6_is_bound_for_those_who_speak_it_and_where_it_is_allowed() {
        let (four, six) = (
            [IpAddr::from([127, 0, 0, 1])],
            [IpAddr::from(Ipv6Addr::LOCALHOST)],
        );
        let any = BindPolicy::Interfaces;
        assert_eq!(beside_ipv4(&any, Some(&four)), None);
        assert_eq!(beside_ipv4(&BindPolicy::Only(Vec::new()), Some(&six)), None);
        if UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
            let bound = beside_ipv4(&any, Some(&six)).map(|address| address.ip());
            assert_eq!(bound, Some(six[0]));
        }
    }

    #[test]
    fn a_neighbour_is_faced_from_the_loopback() {
        let far = [IpAddr::from([127, 0, 0, 1])];
        assert_eq!(facing(&far), Some(far[0]));
        assert_eq!(facing(&[]), None);
    }
}
