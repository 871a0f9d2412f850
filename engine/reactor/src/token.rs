//! The 64 bits that travel through the kernel and come back with a completion.

/// Slots are numbered in 24 bits, 16 times what the kernel lets one ring hold.
pub(crate) const SLOT_BITS: u32 = 24;

/// What was asked of the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Op {
    /// Nobody waits for this one: cancels, closes and wakes, which complete silently or in vain.
    Ignored,
    /// `slot` is the listener's index, `generation` 1 for a one-shot accept.
    Accept,
    /// `generation` is the index of the name that is being asked for.
    PeerName,
    Poll,
    Receive,
    /// A non-blocking send of the connection's segment; completes only when it fell short.
    Send,
    /// An ordinary send of the outbox's first piece.
    SendUnsent,
    Shutdown,
    /// `slot` is the attempt's index in the connector.
    Install,
    /// `slot` is the attempt's index in the connector.
    Connect,
    /// A message from another ring.
    Wake,
    /// The notifier's eventfd became readable.
    Notified,
    /// A socket was installed in another ring's table.
    Passed,
    /// A socket came from another ring. Slot and generation together are what it carries.
    Arrived,
    /// A process descriptor for a socket in the table. `generation` is its place in the batch.
    Lent,
    /// A batch of sockets was put into the table.
    Adopted,
}

/// [`Op`] in 8 bits, slot in 24, generation in 32.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Token {
    pub(crate) op: Op,
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl Token {
    pub(crate) const fn new(op: Op, slot: u32, generation: u32) -> Token {
        Token { op, slot, generation }
    }

    pub(crate) const fn of(op: Op) -> Token {
        Token::new(op, 0, 0)
    }

    /// One that carries 56 bits.
    pub(crate) const fn carrying(op: Op, bits: u64) -> Token {
        debug_assert!(bits >> 56 == 0);
        Token::new(op, (bits >> 32) as u32, bits as u32)
    }

    /// The bits of [`Token::carrying`].
    pub(crate) const fn carried(self) -> u64 {
        (self.slot as u64) << 32 | self.generation as u64
    }

    pub(crate) const fn pack(self) -> u64 {
        debug_assert!(self.slot < 1 << SLOT_BITS);
        (self.op as u64) << 56 | (self.slot as u64) << 32 | self.generation as u64
    }

    pub(crate) const fn unpack(bits: u64) -> Token {
        const OPS: [Op; 16] = [
            Op::Ignored,
            Op::Accept,
            Op::PeerName,
            Op::Poll,
            Op::Receive,
            Op::Send,
            Op::SendUnsent,
            Op::Shutdown,
            Op::Install,
            Op::Connect,
            Op::Wake,
            Op::Notified,
            Op::Passed,
            Op::Arrived,
            Op::Lent,
            Op::Adopted,
        ];
        let op = (bits >> 56) as usize;
        let op = if op < OPS.len() { OPS[op] } else { Op::Ignored };
        Token::new(op, (bits >> 32) as u32 & ((1 << SLOT_BITS) - 1), bits as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_the_kernel() {
        for op in [Op::Ignored, Op::Receive, Op::Adopted] {
            let token = Token::new(op, (1 << SLOT_BITS) - 1, u32::MAX);
            assert_eq!(Token::unpack(token.pack()), token);
        }
    }

    #[test]
    fn a_token_carries_an_address() {
        let bits = (1 << 56) - 2;
        assert_eq!(Token::unpack(Token::carrying(Op::Arrived, bits).pack()).carried(), bits);
    }

    #[test]
    fn strange_bits_are_ignored() {
        assert_eq!(Token::unpack(u64::MAX).op, Op::Ignored);
    }
}
