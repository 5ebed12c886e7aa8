//! Who may be connected, and who goes when there are too many: whoever has waited for its client longest. So nobody keeps others out by
//! holding connections open, and no request that has arrived is cut off.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Everybody who is connected. Cheap to clone.
#[derive(Clone)]
pub struct Lobby {
    free: Arc<Semaphore>,
    per_address: usize,
    /// Many clients share the address of a proxy, so it has no limit of its own.
    proxies: Arc<[IpNet]>,
    room: Arc<Mutex<Room>>,
}

#[derive(Default)]
struct Room {
    last_seat: u64,
    /// By seat: who sat down first is first.
    waiting: BTreeMap<u64, (IpAddr, Arc<Notify>)>,
    /// Connections of each address, waiting or not.
    counts: HashMap<IpAddr, usize>,
    /// Somebody is at the door and nobody waited: the next to sit down goes.
    is_wanted: bool,
}

/// One connection. It waits for its client until [`Guest::is_served`], and again after [`Guest::waits`].
pub struct Guest {
    lobby: Lobby,
    address: IpAddr,
    hang_up: Arc<Notify>,
    /// 0: a whole request is there and not answered.
    seat: AtomicU64,
    _permit: OwnedSemaphorePermit,
}

impl Lobby {
    /// For this many connections in all, and this many of one address that is not a proxy's.
    pub fn new(connections: usize, per_address: usize, proxies: &[IpNet]) -> Self {
        Self { free: Arc::new(Semaphore::new(connections)), per_address, proxies: proxies.into(), room: Arc::default() }
    }

    /// A new connection, which waits for its client. Where there are too many, another goes first: one of the same address where that has
    /// too many, else the one that has waited longest. Returns at once unless every client is owed an answer; then, when one has it.
    pub async fn admit(&self, peer: IpAddr) -> Guest {
        let address = network_of(peer);
        let has_left = self.has_too_many(address) && self.make_room(Some(address));
        let free = Arc::clone(&self.free);
        let permit = match Arc::clone(&free).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                if !has_left && !self.make_room(None) {
                    self.room().is_wanted = true;
                }
                free.acquire_owned().await.expect("the semaphore is never closed")
            }
        };
        let guest = Guest { lobby: self.clone(), address, hang_up: Arc::default(), seat: AtomicU64::new(0), _permit: permit };
        let mut room = self.room();
        room.is_wanted = false;
        *room.counts.entry(address).or_default() += 1;
        room.seat(&guest);
        drop(room);
        guest
    }

    fn has_too_many(&self, address: IpAddr) -> bool {
        let count = self.room().counts.get(&address).copied().unwrap_or(0);
        count >= self.per_address && !self.proxies.iter().any(|net| net.contains(&address))
    }

    /// Sends away who has waited longest, of this address or of all. `false`: nobody waits.
    fn make_room(&self, address: Option<IpAddr>) -> bool {
        let mut room = self.room();
        let found = room.waiting.iter().find(|(_, (of, _))| address.is_none_or(|address| address == *of)).map(|(seat, _)| *seat);
        let Some((_, hang_up)) = found.and_then(|seat| room.waiting.remove(&seat)) else { return false };
        hang_up.notify_one();
        true
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    fn seat(&mut self, guest: &Guest) {
        self.last_seat += 1;
        let before = guest.seat.swap(self.last_seat, Relaxed);
        self.waiting.remove(&before);
        self.waiting.insert(self.last_seat, (guest.address, Arc::clone(&guest.hang_up)));
    }
}

impl Guest {
    /// Its answer is ready: it is the client's turn to read it, and to say something. The connection is polled to the end of this round before
    /// it looks whether it has to go, so that an answer the kernel can take is sent in any case.
    pub fn waits(&self) {
        let mut room = self.lobby.room();
        room.seat(self);
        if std::mem::take(&mut room.is_wanted) {
            room.waiting.remove(&self.seat.load(Relaxed));
            self.hang_up.notify_one();
        }
    }

    /// A whole request is there: from now on it waits for us.
    pub fn is_served(&self) {
        let seat = self.seat.swap(0, Relaxed);
        if seat != 0 {
            self.lobby.room().waiting.remove(&seat);
        }
    }

    /// Returns when it has to go.
    pub async fn sent_away(&self) {
        loop {
            self.hang_up.notified().await;
            if self.seat.load(Relaxed) != 0 {
                return;
            }
            // Its request arrived at the last moment: somebody else goes.
            if !self.lobby.make_room(None) {
                self.lobby.room().is_wanted = true;
            }
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.is_served();
        let mut room = self.lobby.room();
        let Some(count) = room.counts.get_mut(&self.address) else { return };
        *count -= 1;
        if *count == 0 {
            room.counts.remove(&self.address);
        }
    }
}

/// Who has one address of IPv6 has its /64.
fn network_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const HERE: &str = "192.0.2.1";

    fn enter(lobby: &Lobby, address: &str) -> Guest {
        lobby.admit(address.parse().expect("an address")).now_or_never().expect("there is room")
    }

    fn is_sent_away(guest: &Guest) -> bool {
        guest.sent_away().now_or_never().is_some()
    }

    #[test]
    fn who_has_waited_longest_goes_first_and_nobody_who_is_served() {
        let lobby = Lobby::new(4, 4, &[]);
        let mut guests: Vec<Option<Guest>> = (0..4).map(|_| Some(enter(&lobby, HERE))).collect();
        for (n, guest) in guests.iter().flatten().enumerate().take(2) {
            guest.is_served();
            if n == 1 {
                guest.waits();
            }
        }
        let mut newcomers = Vec::new();
        for expected in [2, 3, 1] {
            let mut newcomer = Box::pin(lobby.admit(HERE.parse().expect("an address")));
            assert!(newcomer.as_mut().now_or_never().is_none(), "it is full");
            let gone = guests.iter().position(|guest| guest.as_ref().is_some_and(is_sent_away));
            assert_eq!(gone, Some(expected));
            guests[expected] = None;
            newcomers.push(newcomer.now_or_never().expect("its place is free"));
            newcomers.iter().for_each(Guest::is_served);
        }
    }

    #[test]
    fn where_all_are_served_the_first_that_has_its_answer_goes() {
        let lobby = Lobby::new(2, 2, &[]);
        let (first, second) = (enter(&lobby, HERE), enter(&lobby, HERE));
        first.is_served();
        second.is_served();
        let mut newcomer = Box::pin(lobby.admit(HERE.parse().expect("an address")));
        assert!(newcomer.as_mut().now_or_never().is_none() && !is_sent_away(&first) && !is_sent_away(&second));
        second.waits();
        assert!(is_sent_away(&second) && !is_sent_away(&first));
        drop(second);
        let newcomer = newcomer.now_or_never().expect("its place is free");
        first.waits();
        assert!(!is_sent_away(&first) && !is_sent_away(&newcomer), "nobody is at the door any more");
    }

    #[test]
    fn a_request_that_arrives_at_the_last_moment_is_answered_and_another_goes() {
        let lobby = Lobby::new(2, 2, &[]);
        let (first, second) = (enter(&lobby, HERE), enter(&lobby, HERE));
        let mut newcomer = Box::pin(lobby.admit(HERE.parse().expect("an address")));
        assert!(newcomer.as_mut().now_or_never().is_none(), "it is full");
        first.is_served();
        assert!(!is_sent_away(&first));
        assert!(is_sent_away(&second));
    }

    #[test]
    fn an_address_with_too_many_loses_its_own_and_a_proxy_has_no_limit() {
        let proxies = ["10.0.0.0/8".parse().expect("a network")];
        let lobby = Lobby::new(100, 2, &proxies);
        let other = enter(&lobby, "192.0.2.9");
        let crowd = ["2001:db8::1", "2001:db8::2", "2001:db8::3"].map(|address| enter(&lobby, address));
        assert!(is_sent_away(&crowd[0]) && !is_sent_away(&crowd[1]) && !is_sent_away(&other));
        let proxied: Vec<Guest> = (0..9).map(|_| enter(&lobby, "10.1.2.3")).collect();
        assert!(!proxied.iter().any(is_sent_away));
        drop((other, crowd, proxied));
        assert!(lobby.room().counts.is_empty() && lobby.room().waiting.is_empty());
    }
}
