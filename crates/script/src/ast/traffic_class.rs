//! The names that C gives to values of the type-of-service byte (RFC 1349, RFC 2474, RFC 3168).

/// Name and value, the same on every system.
pub(crate) const TRAFFIC_CLASSES: &[(&str, u8)] = &[
    ("IPTOS_LOWDELAY", 0x10),
    ("IPTOS_THROUGHPUT", 0x08),
    ("IPTOS_RELIABILITY", 0x04),
    ("IPTOS_MINCOST", 0x02),
    ("IPTOS_PREC_NETCONTROL", 0xe0),
    ("IPTOS_PREC_INTERNETCONTROL", 0xc0),
    ("IPTOS_PREC_CRITIC_ECP", 0xa0),
    ("IPTOS_PREC_FLASHOVERRIDE", 0x80),
    ("IPTOS_PREC_FLASH", 0x60),
    ("IPTOS_PREC_IMMEDIATE", 0x40),
    ("IPTOS_PREC_PRIORITY", 0x20),
    ("IPTOS_PREC_ROUTINE", 0x00),
    ("IPTOS_DSCP_CS0", 0x00),
    ("IPTOS_DSCP_CS1", 0x20),
    ("IPTOS_DSCP_CS2", 0x40),
    ("IPTOS_DSCP_CS3", 0x60),
    ("IPTOS_DSCP_CS4", 0x80),
    ("IPTOS_DSCP_CS5", 0xa0),
    ("IPTOS_DSCP_CS6", 0xc0),
    ("IPTOS_DSCP_CS7", 0xe0),
    ("IPTOS_DSCP_AF11", 0x28),
    ("IPTOS_DSCP_AF12", 0x30),
    ("IPTOS_DSCP_AF13", 0x38),
    ("IPTOS_DSCP_AF21", 0x48),
    ("IPTOS_DSCP_AF22", 0x50),
    ("IPTOS_DSCP_AF23", 0x58),
    ("IPTOS_DSCP_AF31", 0x68),
    ("IPTOS_DSCP_AF32", 0x70),
    ("IPTOS_DSCP_AF33", 0x78),
    ("IPTOS_DSCP_AF41", 0x88),
    ("IPTOS_DSCP_AF42", 0x90),
    ("IPTOS_DSCP_AF43", 0x98),
    ("IPTOS_DSCP_VA", 0xb0),
    ("IPTOS_DSCP_EF", 0xb8),
    ("IPTOS_ECN_NOTECT", 0),
    ("IPTOS_ECN_ECT1", 1),
    ("IPTOS_ECN_ECT0", 2),
    ("IPTOS_ECN_CE", 3),
];

/// The value of such a name; the classes of RFC 2474 have two names.
pub(crate) fn traffic_class(name: &str) -> Option<u8> {
    let other = name.strip_prefix("IPTOS_CLASS_").map(|class| format!("IPTOS_DSCP_{class}"));
    let name = other.as_deref().unwrap_or(name);
    TRAFFIC_CLASSES.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}
