//! The picture of a room's link: a QR code as SVG.
//!
//! It contains the link that the asking person already has in the address, and nothing is looked up for it. So it needs
//! no session, and it is the same for every code, whether or not there is such a room. It is dark on white in every
//! theme, with the quiet zone inside the picture, because many readers find no inverted code and none without its edge.

use std::fmt::Write as _;

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::IntoResponse,
};
use fast_qr::{ECL, QRBuilder};

use super::{extract::Path, origin::requested_origin, problem::Refusal};
use crate::{
    protocol::{Code, Problem, RoomCode, addresses},
    server::app::App,
};

/// The white edge on each side, in modules (ISO/IEC 18004).
const QUIET: usize = 4;

/// The picture of a room's link. The default `Cache-Control`, `no-store`, is right for it: a stored picture would tell
/// the next person at the device which rooms somebody was in.
pub async fn room_qr(
    State(app): State<App>,
    headers: HeaderMap,
    Path(code): Path<String>,
) -> Result<impl IntoResponse, Refusal> {
    let code: RoomCode = code.parse().map_err(Problem::from)?;
    let link = requested_origin(&headers, &app.config) + &addresses::room(code);
    Ok(([(header::CONTENT_TYPE, "image/svg+xml")], picture(&link)?))
}

/// Draws a link. Medium redundancy (15 %) suits a screen, and more would make the modules smaller.
fn picture(link: &str) -> Result<String, Problem> {
    let too_long = |_| Problem::new(Code::Internal, "The address of this site is too long for a QR code.");
    let code = QRBuilder::new(link).ecl(ECL::M).build().map_err(too_long)?;
    let mut dark = String::new();
    for (y, x) in (0..code.size).flat_map(|y| (0..code.size).map(move |x| (y, x))) {
        if code[y][x].value() {
            let _ = write!(dark, "M{} {}h1v1h-1z", x + QUIET, y + QUIET);
        }
    }
    let size = code.size + 2 * QUIET;
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{size}v{size}H0z\"/><path d=\"{dark}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_its_three_corners_and_a_white_edge() {
        let picture = picture("https://chat.example/rooms/K7M2QX").unwrap();
        // Version 3 has 29 modules a side. The outer corners of its three finder patterns are dark.
        assert!(picture.contains("viewBox=\"0 0 37 37\""), "{picture}");
        for corner in ["M4 4h", "M32 4h", "M4 32h"] {
            assert!(picture.contains(corner), "{corner}");
        }
        assert!(!["M3 ", "M33 ", " 3h", " 33h"].iter().any(|edge| picture.contains(edge)), "{picture}");
    }

    #[test]
    fn a_link_that_fits_no_code_is_a_problem() {
        assert!(picture(&"x".repeat(5_000)).is_err());
    }
}
