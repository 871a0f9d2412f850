//! Until when a certificate is good: of X.509 in DER (RFC 5280, 4.1), the one field that neither
//! rustls nor webpki shows.

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// `notAfter`, in Unix seconds; None where the certificate can't be read, or ended before 1970.
pub(crate) fn not_after(certificate: &[u8]) -> Option<u64> {
    let (_, certificate, _) = element(certificate)?;
    let (_, mut fields, _) = element(certificate)?;
    if fields.first() == Some(&VERSION) {
        fields = element(fields)?.2;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        fields = element(fields)?.2;
    }
    let (tag, validity, _) = element(fields)?;
    let (_, _, after_begin) = element(validity)?;
    let (kind, end, _) = element(after_begin)?;
    (tag == SEQUENCE).then(|| unix_seconds(kind, end))?
}

/// The first element: its tag, what is in it, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (len, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (digits.iter().fold(0, |len, digit| len << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(len)?;
    Some((tag, content, rest))
}

/// A time as certificates write it: `YYMMDDhhmmssZ`, or `YYYYMMDDhhmmssZ`.
fn unix_seconds(kind: u8, text: &[u8]) -> Option<u64> {
    let digits = text.strip_suffix(b"Z")?;
    let (year_digits, century) = match kind {
        UTC_TIME => (2, true),
        GENERALIZED_TIME => (4, false),
        _ => return None,
    };
    if digits.len() != year_digits + 10 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = |digits: &[u8]| digits.iter().fold(0, |n, digit| n * 10 + u64::from(digit - b'0'));
    let (year, rest) = digits.split_at(year_digits);
    let year = match (number(year), century) {
        (year, true) if year >= 50 => 1900 + year,
        (year, true) => 2000 + year,
        (year, false) => year,
    };
    let mut parts = rest.chunks_exact(2).map(number);
    let mut part =
        |range: std::ops::RangeInclusive<u64>| parts.next().filter(|part| range.contains(part));
    let (month, day) = (part(1..=12)?, part(1..=31)?);
    let (hour, minute, second) = (part(0..=23)?, part(0..=59)?, part(0..=60)?);
    let days = days_since_1970(year, month, day)?;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

/// Days of the Gregorian calendar. A year begins in March here, so that the leap day ends it.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let (year, month) =
        if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    (year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1).checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_certificates_write_them() {
        for (kind, text, wanted) in [
            (UTC_TIME, "700101000000Z", Some(0)),
            (UTC_TIME, "000229235959Z", Some(951_868_799)),
            (UTC_TIME, "491231235959Z", Some(2_524_607_999)),
            (UTC_TIME, "500101000000Z", None),
            (GENERALIZED_TIME, "20500101000000Z", Some(2_524_608_000)),
            (GENERALIZED_TIME, "99991231235959Z", Some(253_402_300_799)),
            (GENERALIZED_TIME, "2050010100000Z", None),
            (UTC_TIME, "701301000000Z", None),
            (UTC_TIME, "70010100000aZ", None),
            (UTC_TIME, "700101000000", None),
            (0x04, "700101000000Z", None),
        ] {
            assert_eq!(unix_seconds(kind, text.as_bytes()), wanted, "{text}");
        }
    }

    #[test]
    fn a_certificate_cut_off_anywhere_has_no_end() {
        let certificate = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
        let der = certificate.cert.der();
        // Until 4096, by this one's default.
        assert_eq!(not_after(der), Some(67_090_118_400));
        for len in 0..der.len() {
            assert_eq!(not_after(&der[..len]), None);
        }
        for at in 0..der.len().min(200) {
            let mut changed = der.to_vec();
            changed[at] ^= 0xff;
            let _ = not_after(&changed);
        }
    }
}
