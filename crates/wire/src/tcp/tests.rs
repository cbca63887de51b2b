use super::*;
use crate::Seq;
