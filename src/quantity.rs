//! Kubernetes quantities: parse, compare, print without loss.
//!
//! A quantity is a decimal number with an optional suffix: binary (`Ki` to `Ei`), decimal (`n` to `E`) or a decimal
//! exponent (`1e3`). The notation a person chose is kept for printing; comparison is by value. Source of the rules:
//! `k8s.io/apimachinery/pkg/api/resource/quantity.go`.

use std::cmp::Ordering;
use std::fmt;

/// Nano-units in one unit: the finest step that Kubernetes keeps.
const NANO: u128 = 1_000_000_000;
/// The largest value that Kubernetes stores, 2^63 - 1 units, in nano-units.
const MAX: u128 = (i64::MAX as u128) * NANO;

/// Suffixes and the number of nano-units that one of them stands for.
const SUFFIXES: [(&str, u128); 16] = [
    ("", NANO),
    ("n", 1),
    ("u", 1_000),
    ("m", 1_000_000),
    ("k", 1_000 * NANO),
    ("M", 1_000_000 * NANO),
    ("G", 1_000_000_000 * NANO),
    ("T", 1_000_000_000_000 * NANO),
    ("P", 1_000_000_000_000_000 * NANO),
    ("E", 1_000_000_000_000_000_000 * NANO),
    ("Ki", (1 << 10) * NANO),
    ("Mi", (1 << 20) * NANO),
    ("Gi", (1 << 30) * NANO),
    ("Ti", (1 << 40) * NANO),
    ("Pi", (1 << 50) * NANO),
    ("Ei", (1 << 60) * NANO),
];

/// An amount of bytes or another unit, never negative, exact to a billionth.
#[derive(Debug, Clone)]
pub struct Quantity {
    nanos: u128,
    text: Box<str>,
}

/// Why a text is not a quantity, and what its author may have meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuantityError {
    /// What is wrong, without the text itself.
    pub reason: &'static str,
    /// A spelling that Kubernetes accepts and that is close to what was written.
    pub suggestion: Option<String>,
}

impl Quantity {
    /// Reads a quantity, keeping its spelling.
    ///
    /// # Errors
    /// A [`QuantityError`] for anything that the Kubernetes API server refuses, and for negative amounts, which no
    /// field of a machine can use.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let fail = |reason| QuantityError { reason, suggestion: suggest(text) };
        let number = text.strip_prefix('+').unwrap_or(text);
        if number.starts_with('-') {
            return Err(fail("an amount cannot be negative"));
        }
        let end = number.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(number.len());
        let (digits, suffix) = number.split_at(end);
        let (mantissa, decimals) = mantissa(digits).ok_or_else(|| fail("it does not start with a number"))?;
        let unit = match exponent(suffix) {
            Some(power) => pow10(power).ok_or_else(|| fail("the number is too large"))?,
            None => SUFFIXES.iter().find(|(name, _)| *name == suffix).map(|(_, unit)| *unit).ok_or_else(|| {
                fail(match suffix {
                    _ if suffix.contains(char::is_whitespace) => "it holds a space",
                    _ if suffix.contains(',') => "it holds a comma",
                    _ => "Kubernetes does not know this suffix",
                })
            })?,
        };
        let nanos = scale(mantissa, unit, decimals).ok_or_else(|| fail("the number is too large"))?;
        if nanos > MAX {
            return Err(fail("the number is too large"));
        }
        Ok(Self { nanos, text: text.into() })
    }

    /// The whole number of units (bytes, for a size), or `None` if there is a fraction.
    pub fn units(&self) -> Option<u64> {
        if self.nanos.is_multiple_of(NANO) { u64::try_from(self.nanos / NANO).ok() } else { None }
    }

    /// The spelling this quantity was read from.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

/// Digits without the point, and how many of them stood behind it.
fn mantissa(digits: &str) -> Option<(u128, u32)> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    // Zeros at either end carry no value; without them forty digits are beyond any amount that Kubernetes stores.
    let fraction = fraction.trim_end_matches('0');
    let joined = format!("{}{fraction}", whole.trim_start_matches('0'));
    let value = if joined.is_empty() { 0 } else { joined.parse().ok()? };
    Some((value, u32::try_from(fraction.len()).ok()?))
}

/// The power of ten of an exponent such as `e3` or `E-2`; `E` alone is the suffix for 10^18.
fn exponent(suffix: &str) -> Option<i32> {
    let digits = suffix.strip_prefix(['e', 'E'])?;
    let unsigned = digits.strip_prefix(['+', '-']).unwrap_or(digits);
    if unsigned.is_empty() || !unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // A power that does not fit is far outside the range either way; a clamp keeps its sign.
    Some(digits.parse().unwrap_or(if digits.starts_with('-') { -99 } else { 99 }))
}

/// Nano-units in 10^power; what is finer than a nano-unit counts as one, as Kubernetes rounds up.
fn pow10(power: i32) -> Option<u128> {
    let shifted = power.checked_add(9)?;
    if shifted < 0 { Some(1) } else { 10_u128.checked_pow(u32::try_from(shifted).ok()?) }
}

/// `mantissa` units divided by ten per decimal, rounded up to a nano-unit.
fn scale(mantissa: u128, unit: u128, decimals: u32) -> Option<u128> {
    if mantissa == 0 {
        return Some(0);
    }
    let product = mantissa.checked_mul(unit)?;
    Some(10_u128.checked_pow(decimals).map_or(1, |divisor| product.div_ceil(divisor)))
}

/// A spelling close to `text` that parses: `8GB` → `8G`, `8 gi` → `8Gi`, `1,5Gi` → `1.5Gi`.
fn suggest(text: &str) -> Option<String> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect::<String>().replace(',', ".");
    let end = compact.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (digits, suffix) = compact.split_at(end);
    mantissa(digits)?;
    let lower = suffix.to_ascii_lowercase();
    let known = match lower.trim_end_matches("ytes").trim_end_matches("yte").trim_end_matches('b') {
        "" => "",
        "k" => "k",
        "ki" => "Ki",
        "m" => "M",
        "mi" => "Mi",
        "g" => "G",
        "gi" => "Gi",
        "t" => "T",
        "ti" => "Ti",
        "p" => "P",
        "pi" => "Pi",
        _ => return None,
    };
    let spelling = format!("{digits}{known}");
    (spelling != text).then_some(spelling)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str) -> u64 {
        Quantity::parse(text).unwrap().units().unwrap()
    }

    #[test]
    fn every_suffix_has_its_value() {
        assert_eq!(units("10"), 10);
        assert_eq!(units("1k"), 1_000);
        assert_eq!(units("1Ki"), 1_024);
        assert_eq!(units("1.5Gi"), 1_610_612_736);
        assert_eq!(units("2E"), 2_000_000_000_000_000_000);
        assert_eq!(units("1e3"), 1_000);
        assert_eq!(units("1E3"), 1_000);
    }

    #[test]
    fn comparison_is_by_value_and_printing_by_spelling() {
        let (a, b) = (Quantity::parse("1024Mi").unwrap(), Quantity::parse("1Gi").unwrap());
        assert_eq!(a, b);
        assert_eq!(a.to_string(), "1024Mi");
        assert!(Quantity::parse("1G").unwrap() < b);
    }

    #[test]
    fn fractions_of_a_byte_are_seen() {
        assert_eq!(Quantity::parse("1500m").unwrap().units(), None);
        assert_eq!(Quantity::parse("0.5").unwrap().units(), None);
        assert_eq!(Quantity::parse("2000m").unwrap().units(), Some(2));
    }

    #[test]
    fn what_kubernetes_refuses_is_refused_with_a_suggestion() {
        for (text, meant) in [
            ("8GB", Some("8G")),
            ("8GiB", Some("8Gi")),
            ("8 Gi", Some("8Gi")),
            ("8gi", Some("8Gi")),
            ("1,5Gi", Some("1.5Gi")),
            ("8K", Some("8k")),
            ("8X", None),
            ("", None),
            ("Gi", None),
            ("-1Gi", None),
            ("1.2.3", None),
            ("99999999999Ei", None),
        ] {
            let error = Quantity::parse(text).expect_err(text);
            assert_eq!(error.suggestion.as_deref(), meant, "{text}");
        }
    }
}
