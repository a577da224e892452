//! The currencies of ISO 4217 and how many decimals each has.
//! Not here: funds, metals and testing codes of the standard; nobody pays with them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// Decimals of the minor unit (ISO 4217 list one, the column "minor unit"), and who has so many.
const DECIMALS: &[(u8, &str)] = &[
    (0, "bif clp djf gnf isk jpy kmf krw pyg rwf ugx uyi vnd vuv xaf xof xpf"),
    (
        2,
        "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd btn bwp byn \
         bzd cad cdf chf cny cop crc cuc cup cve czk dkk dop dzd egp ern etb eur fjd fkp gbp gel \
         ghs gip gmd gtq gyd hkd hnl htg huf idr ils inr irr jmd kes kgs khr kpw kyd kzt lak lbp \
         lkr lrd lsl mad mdl mga mkd mmk mnt mop mru mur mvr mwk mxn myr mzn nad ngn nio nok npr \
         nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sdg sek sgd shp sle sos srd ssp \
         stn svc syp szl thb tjs tmt top try ttd twd tzs uah usd uyu uzs ves wst xcd xcg yer zar \
         zmw zwg",
    ),
    (3, "bhd iqd jod kwd lyd omr tnd"),
    (4, "clf"),
];

/// A currency by its code, in lower case as providers write it, such as `eur`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub struct Currency {
    code: &'static str,
    exponent: u8,
}

/// Why a text is not a currency. Never holds the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a currency is three letters of ISO 4217, such as eur")]
pub struct BadCurrency;

impl Currency {
    /// The code, in lower case.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        self.code
    }

    /// How many decimals the major unit has: 2 for euro, none for yen, 3 for dinars of Kuwait.
    #[must_use]
    pub const fn exponent(&self) -> u8 {
        self.exponent
    }
}

impl FromStr for Currency {
    type Err = BadCurrency;

    fn from_str(text: &str) -> Result<Self, BadCurrency> {
        DECIMALS
            .iter()
            .flat_map(|(exponent, codes)| codes.split(' ').map(|code| (*exponent, code)))
            .find(|(_, code)| code.eq_ignore_ascii_case(text))
            .map(|(exponent, code)| Self { code, exponent })
            .ok_or(BadCurrency)
    }
}

/// By hand: derived code would borrow the code from what is read.
impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code.to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_is_three_letters_and_stands_once() {
        let codes: Vec<_> = DECIMALS.iter().flat_map(|(_, codes)| codes.split(' ')).collect();
        assert!(codes.iter().all(|code| code.len() == 3), "{codes:?}");
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
    }

    #[test]
    fn what_is_no_currency_is_refused() {
        for bad in ["", "e", "eu", "euro", "xyz", "xxx", "e r", "ÄÖÜ"] {
            assert_eq!(bad.parse::<Currency>(), Err(BadCurrency), "{bad:?}");
        }
        assert_eq!("EUR".parse::<Currency>().unwrap().as_str(), "eur");
    }
}
