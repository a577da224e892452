//! HTTP routes that one context has for itself, behind the gateway's authentication and limits.
//! Not here: what every context gets without code of its own; that is in `gateway`.

pub mod design;
