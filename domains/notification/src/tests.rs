//! The domain on a real database, without HTTP and without a bus.

mod erasure;
mod fixture;
mod listeners;
mod marking;
mod use_cases;
