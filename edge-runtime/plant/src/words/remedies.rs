//! What to do about an alarm, in languages other than the station's own, which is English.

use super::table::Language;

/// In German, by the code of the failure table or of the table of alarms.
const GERMAN: [(&str, &str); 31] = [
    ("CAMERA_SILENT", "Kabel und Versorgung der Kamera prüfen, dann quittieren"),
    ("CAMERA_FROZEN", "Kamera ab- und wieder anstecken, dann quittieren"),
    ("STORE_FAILING", "Platte prüfen: Aufzeichnungen können nicht geschrieben werden"),
    ("REJECTS_IN_A_ROW", "Ausgeschleuste Teile ansehen: Liegt es an Teilen, Licht oder Modell?"),
    ("UNJUDGED_IN_A_ROW", "Urteile kommen zu spät: Kamera und Auslastung prüfen"),
    ("REJECT_UNCONFIRMED", "Ein Ausschussteil wurde nicht gesehen: Weiche, Luft und Behältersensor prüfen"),
    (
        "GATE_LATE",
        "Die Weiche kam zu spät: Ausschussteil suchen, Band verlangsamen, Rechner entlasten, dann quittieren",
    ),
    ("BIN_FULL", "Ausschussbehälter leeren"),
    ("MANY_REJECTS", "Mehr Ausschuss als üblich: Teile ansehen"),
    ("TOO_HOT", "Der Rechner ist zu heiß und wird langsamer: Kühlung prüfen"),
    ("DISK_LOW", "Bilder werden nicht mehr aufbewahrt: Platz auf der Platte schaffen"),
    ("DISPLAY_AWAY", "Kabel der Anzeige prüfen"),
    ("BUNDLE_BAD", "Ein Bündel wurde aufgegeben, ein bewährtes urteilt: siehe edge-runtime bundles"),
    ("LIGHT_DRIFT", "Bilder sind heller oder dunkler als beim Lernen: Licht und Objektiv reinigen und prüfen"),
    ("FOCUS_DRIFT", "Bilder sind schärfer oder unschärfer als beim Lernen: Schärfe, Objektiv und Abstand prüfen"),
    (
        "SCORE_DRIFT",
        "Gute Teile werden anders bewertet als beim Lernen: Teile ansehen; haben sie sich geändert, neu lernen",
    ),
    ("NOT_JUDGED", "Kein Urteil an der Weiche: Kamera und Auslastung prüfen"),
    ("LATE", "Band verlangsamen, Weiche weiter weg setzen oder kleineres Modell nehmen"),
    ("NO_FRAME", "Lage des Auslösers, Kamerakabel und Belichtungszeit prüfen"),
    ("CAMERA_FAULT", "Kabel und Versorgung der Kamera prüfen"),
    ("MODEL_FAULT", "Bündel neu installieren; verify-bundle ausführen"),
    ("BAD_PICTURE", "Licht, Objektiv und Schärfe prüfen; Teile müssen einzeln und ganz im Bild liegen"),
    ("INFER_BUSY", "Band verlangsamen oder kleineres Modell nehmen"),
    ("DOUBLE_TRIGGER", "Auslöser prüfen; Teile können sich berühren"),
    ("UNKNOWN_PART", "Ein Teil kam hinter dem Auslöser dazu: Abdeckungen prüfen"),
    ("OVERFLOW", "Teile zu dicht oder Weiche zu weit weg: Abstände prüfen"),
    ("FLUSHED", "Bei Produktwechsel üblich"),
    ("NEIGHBOUR", "Teile zu dicht, um sie an der Weiche zu trennen"),
    ("TOO_LONG", "Teile berühren sich, oder Stau am Auslöser"),
    ("BOOT", "Nach dem Start üblich"),
    ("ENCODER_FAULT", "Kabel und Kupplung des Drehgebers prüfen, dann quittieren"),
];

/// What to do, in a language; in the station's own words where there are no others.
#[must_use]
pub fn remedy<'a>(language: Language, code: &str, stations: &'a str) -> &'a str {
    match language {
        Language::English => stations,
        Language::German => GERMAN.iter().find(|(known, _)| *known == code).map_or(stations, |(_, german)| german),
    }
}

#[cfg(test)]
mod tests {
    use shared::verdict::FAILURES;

    use super::*;

    #[test]
    fn every_failure_has_its_remedy_in_every_language() {
        for failure in &FAILURES {
            assert_ne!(remedy(Language::German, failure.code, failure.remedy), failure.remedy, "{}", failure.code);
        }
        assert_eq!(remedy(Language::German, "NEWER_THAN_THIS", "look"), "look");
    }
}
