//! Which process calls: the owner of the other end of a loopback connection.
//!
//! The Runtime API is for the bootstrap and what it starts. Its port is open to every process of
//! this machine, so a connection is accepted by its owner: the kernel reports the inode of the
//! other end's socket, and a process of the bootstrap's tree has to hold a socket of that inode.
//! Which process connected, and which sends, does not count: a socket that a fork shares or that
//! was handed over is the tree's as long as one process of the tree has it.
//!
//! The tree is everything that descends from the bootstrap, and everything that the tool adopted
//! as the subreaper: orphans of the bootstrap. Namespaces of processes, mounts or users make no
//! difference, since the tool sees all of its descendants; neither does a `--runner`, unless it has
//! another process start the bootstrap (`docker run`). A process that shows nobody its descriptors
//! (one that changed its user) is judged by its user.

mod proc_tcp;
mod tree;

use std::net::{SocketAddr, TcpStream};

use crate::sys::socket_diag::{SocketDiag, SocketOwner};
pub use tree::Tree;

/// What is known about the owner of a connection's other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Known(SocketOwner),
    /// No process holds the socket any more: the client closed it, and may have sent a call before.
    Closed,
    /// This system does not report it: neither by sock_diag nor by `/proc`.
    Unavailable,
}

/// Whether a connection may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    InTree,
    /// Another process has it.
    Foreign(SocketOwner),
    /// It is too late to know. Nobody reads an answer, so only an answer to an event is taken.
    Closed,
    /// This system reports no owners, so every connection is accepted.
    Unavailable,
}

/// The source of owners.
pub struct Peers(Option<SocketDiag>);

impl Peers {
    /// Without sock_diag, `/proc/net` is read instead.
    pub fn open() -> Peers {
        Peers(SocketDiag::open().ok())
    }

    /// The owner of the other end of a connection that this machine has accepted from itself.
    pub fn owner(&self, stream: &TcpStream) -> Owner {
        let (Ok(peer), Ok(own)) = (stream.peer_addr(), stream.local_addr()) else {
            return Owner::Closed; // reset
        };
        self.owner_of(canonical(peer), canonical(own))
    }

    fn owner_of(&self, peer: SocketAddr, own: SocketAddr) -> Owner {
        let found = match self.0.as_ref().map(|diag| diag.find(peer, own)) {
            Some(Ok(found)) => found,
            None | Some(Err(_)) => match proc_tcp::find(peer, own) {
                Ok(found) => found,
                Err(_) => return Owner::Unavailable,
            },
        };
        match found {
            Some(owner) if owner.inode != 0 => Owner::Known(owner),
            _ => Owner::Closed,
        }
    }

    /// Whether a process of the tree has the other end of the connection.
    pub fn verdict(&self, stream: &TcpStream, tree: &Tree) -> Verdict {
        let owner = match self.owner(stream) {
            Owner::Known(owner) => owner,
            Owner::Closed => return Verdict::Closed,
            Owner::Unavailable => return Verdict::Unavailable,
        };
        match tree.holds(owner) {
            Some(true) => Verdict::InTree,
            Some(false) if self.owner(stream) != Owner::Known(owner) => Verdict::Closed,
            Some(false) => Verdict::Foreign(owner),
            None => Verdict::Unavailable,
        }
    }
}

/// A client with an IPv6 socket can use IPv4; the kernel has such a connection as one of IPv4.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// The process that holds a socket, for people: `process 7 (curl)`.
pub fn describe(owner: SocketOwner) -> String {
    let name = |pid: u32| {
        let name = std::fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
        String::from_utf8_lossy(&name).trim_end().to_string()
    };
    match tree::any_holder(owner.inode) {
        Some(pid) => format!("process {pid} ({})", name(pid)),
        None => format!("a process of the user with id {}", owner.uid),
    }
}
