//! From what went wrong to what the client reads.

use crate::app::{
    ChangePasswordError, CheckPasswordError, CreateUserError, DeleteUserError, EditUserError, EndSessionError,
    HashNewPasswordError, SignInError,
};
use crate::attempts::AttemptError;
use crate::crypto::{CryptoError, KeyRingError, PasswordError};
use web::{Problem, ProblemCode};

impl From<CreateUserError> for Problem {
    fn from(error: CreateUserError) -> Self {
        match error {
            CreateUserError::UsernameTaken => Self::new(ProblemCode::UsernameTaken),
            CreateUserError::EmailTaken => Self::new(ProblemCode::EmailTaken),
            CreateUserError::Db(error) => error.into(),
        }
    }
}

impl From<HashNewPasswordError> for Problem {
    fn from(error: HashNewPasswordError) -> Self {
        match error {
            HashNewPasswordError::UsernameTaken => Self::new(ProblemCode::UsernameTaken),
            HashNewPasswordError::EmailTaken => Self::new(ProblemCode::EmailTaken),
            HashNewPasswordError::Password(error) => error.into(),
            HashNewPasswordError::Db(error) => error.into(),
        }
    }
}

impl From<EditUserError> for Problem {
    fn from(error: EditUserError) -> Self {
        match error {
            EditUserError::NotFound => Self::new(ProblemCode::NotFound),
            EditUserError::Stale(stale) => stale.into(),
            EditUserError::LastAdmin => Self::new(ProblemCode::LastAdmin),
            EditUserError::Db(error) => error.into(),
        }
    }
}

impl From<DeleteUserError> for Problem {
    fn from(error: DeleteUserError) -> Self {
        match error {
            DeleteUserError::NotFound => Self::new(ProblemCode::NotFound),
            DeleteUserError::Stale(stale) => stale.into(),
            DeleteUserError::LastAdmin => Self::new(ProblemCode::LastAdmin),
            DeleteUserError::PasswordChanged => wrong_password(),
            DeleteUserError::Db(error) => error.into(),
        }
    }
}

impl From<CheckPasswordError> for Problem {
    fn from(error: CheckPasswordError) -> Self {
        match error {
            CheckPasswordError::Wrong => wrong_password(),
            CheckPasswordError::NotFound => Self::new(ProblemCode::NotFound),
            CheckPasswordError::Attempt(error) => error.into(),
            CheckPasswordError::Password(error) => error.into(),
            CheckPasswordError::Db(error) => error.into(),
        }
    }
}

impl From<ChangePasswordError> for Problem {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::NotFound => Self::new(ProblemCode::NotFound),
            ChangePasswordError::PasswordChanged => wrong_password(),
            ChangePasswordError::Db(error) => error.into(),
        }
    }
}

impl From<EndSessionError> for Problem {
    fn from(error: EndSessionError) -> Self {
        match error {
            EndSessionError::NotFound => Self::new(ProblemCode::NotFound),
            EndSessionError::Db(error) => error.into(),
        }
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Refused => Self::new(ProblemCode::InvalidCredentials),
            SignInError::Attempt(error) => error.into(),
            SignInError::Password(error) => error.into(),
            SignInError::Crypto(error) => error.into(),
            SignInError::Db(error) => error.into(),
        }
    }
}

impl From<AttemptError> for Problem {
    fn from(error: AttemptError) -> Self {
        match error {
            AttemptError::TooMany(standing) => standing.problem(),
            AttemptError::Db(error) => error.into(),
        }
    }
}

impl From<PasswordError> for Problem {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::new(ProblemCode::Unavailable),
            PasswordError::Hash(_)
            | PasswordError::NoThreads(_)
            | PasswordError::Random(_)
            | PasswordError::Thread(_) => Self::new(ProblemCode::Internal).caused_by(&error),
        }
    }
}

impl From<KeyRingError> for Problem {
    fn from(error: KeyRingError) -> Self {
        Self::new(ProblemCode::Internal).caused_by(&error)
    }
}

impl From<CryptoError> for Problem {
    fn from(error: CryptoError) -> Self {
        Self::new(ProblemCode::Internal).caused_by(&error)
    }
}

/// The caller is signed in, so this is about what they may do and not about who they are.
fn wrong_password() -> Problem {
    Problem::new(ProblemCode::Forbidden).detail("the password is wrong")
}
