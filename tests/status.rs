//! How machines are: each cause as the lines that a person reads.

mod causes;
mod facts;
mod healthy;
mod world;
