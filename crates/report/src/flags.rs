//! The flags of a segment as text: names, and a number where AccECN has made one of three of them.

use wire::tcp::{AccurateEcn, Flags};

/// `SYN, ACK`; with AccECN's number instead of AE, CWR and ECE: `ACK, ACE=5` (RFC 9768 §3.2.2).
pub(crate) fn text(flags: Flags, ace: Option<u8>) -> String {
    let Some(ace) = ace else { return flags.to_string() };
    let number = Flags::AE.bits() | Flags::CWR.bits() | Flags::ECE.bits();
    let others = Flags::from_bits(flags.bits() & !number).to_string();
    if others.is_empty() { format!("ACE={ace}") } else { format!("{others}, ACE={ace}") }
}

/// The counters of the AccECN option, in its order and with the names of RFC 9768 §3.2: `r.e0b=1449 r.ceb=0`; `None`
/// where it has none.
pub(crate) fn counters(option: Option<AccurateEcn>) -> Option<String> {
    let option = option?;
    let (e0b, ceb, e1b) = (("r.e0b", option.e0b()), ("r.ceb", option.ceb()), ("r.e1b", option.e1b()));
    // what is left out stands at the end
    let order = if option.e0b().is_none() { [e1b, ceb, e0b] } else { [e0b, ceb, e1b] };
    let known: Vec<String> =
        order.into_iter().filter_map(|(name, bytes)| Some(format!("{name}={}", bytes?))).collect();
    (!known.is_empty()).then(|| known.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_flags_become_a_number_only_where_it_is_one() {
        let flags = Flags::ACK | Flags::AE | Flags::ECE;
        assert_eq!(text(flags, None), "ACK, ECE, AE");
        assert_eq!(text(flags, Some(5)), "ACK, ACE=5");
        assert_eq!(text(Flags::AE, Some(4)), "ACE=4");
    }

    #[test]
    fn counters_have_the_names_of_the_rfc() {
        let of = |option| counters(Some(option));
        assert_eq!(
            of(AccurateEcn::with_e0b_first(&[1_449, 0, 1])).as_deref(),
            Some("r.e0b=1449 r.ceb=0 r.e1b=1")
        );
        assert_eq!(of(AccurateEcn::with_e1b_first(&[9, 2])).as_deref(), Some("r.e1b=9 r.ceb=2"));
        assert_eq!((of(AccurateEcn::with_e0b_first(&[])), counters(None)), (None, None));
    }
}
