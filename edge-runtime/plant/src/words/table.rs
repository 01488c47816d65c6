//! THE table of words.

use serde::Deserialize;

/// A language.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// German.
    #[serde(rename = "de")]
    German,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// Its code in HTML and HTTP.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// Its own name for itself.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
        }
    }

    /// The language of a code, if it is there.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code().eq_ignore_ascii_case(code))
    }

    /// The first language that a browser asks for and that is there.
    #[must_use]
    pub fn accepted(header: &str) -> Option<Self> {
        header.split(',').find_map(|wish| Self::of(wish.trim().split([';', '-']).next()?.trim()))
    }
}

macro_rules! words {
    ($($name:ident: $english:literal, $german:literal;)*) => {
        /// Something that is said to people.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Word {
            $(#[doc = $english] $name,)*
        }

        impl Word {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// In a language.
            #[must_use]
            pub const fn to(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$name, Language::English) => $english, (Self::$name, Language::German) => $german,)*
                }
            }
        }
    };
}

words! {
    Live: "Live", "Live";
    Rejects: "Rejects", "Ausschuss";
    Skip: "Skip to content", "Zum Inhalt";
    Simulation: "SIMULATION", "SIMULATION";
    Good: "GOOD", "GUT";
    Bad: "BAD", "SCHLECHT";
    Uninspected: "NOT INSPECTED", "NICHT GEPRÜFT";
    NoPart: "No part yet", "Noch kein Teil";
    NewestPart: "Newest part", "Neuestes Teil";
    Part: "Part", "Teil";
    Score: "Score", "Wert";
    Threshold: "Threshold", "Grenzwert";
    Picture: "Newest kept picture", "Neuestes aufbewahrtes Bild";
    NoPicture: "No picture is kept yet. Pictures of rejected parts and of one good part in so many appear here.",
        "Noch kein Bild. Bilder von Ausschussteilen und von manchem guten Teil erscheinen hier.";
    PictureOf: "Picture of part", "Bild von Teil";
    HeatmapOf: "Picture with heatmap of part", "Bild mit Wärmekarte von Teil";
    Heatmap: "Heatmap", "Wärmekarte";
    LineState: "Line", "Linie";
    Running: "RUNNING", "LÄUFT";
    Starting: "STARTING", "STARTET";
    Stopped: "STOPPED", "STEHT";
    Changeover: "CHANGEOVER", "PRODUKTWECHSEL";
    NotKnown: "NO CONNECTION", "KEINE VERBINDUNG";
    NoStation: "No connection to the station: whether the line runs is not known here. It is tried again.",
        "Keine Verbindung zur Station: Ob die Linie läuft, ist hier nicht bekannt. Es wird erneut versucht.";
    NoServer: "No connection to this page's server: what is shown may be old. It is tried again.",
        "Keine Verbindung zum Server dieser Seite: Die Anzeige kann veraltet sein. Es wird erneut versucht.";
    Alarms: "Alarms", "Alarme";
    Since: "since (UTC)", "seit (UTC)";
    NoAlarms: "No alarms", "Keine Alarme";
    Stops: "stops the line", "hält die Linie an";
    Present: "present", "anstehend";
    WasPresent: "was present", "war anstehend";
    Latched: "to be acknowledged", "zu quittieren";
    Acknowledge: "Acknowledge", "Quittieren";
    AcknowledgeWhat: "As the reset button at the line: alarms whose cause has gone are cleared, and the line may start.",
        "Wie die Taste an der Linie: Alarme ohne anstehende Ursache werden gelöscht, und die Linie darf anlaufen.";
    Acknowledged: "Acknowledged.", "Quittiert.";
    AcknowledgedBefore: "An acknowledgement is on its way already.", "Es wurde gerade schon quittiert.";
    NotAcknowledged: "Not acknowledged: the station does not answer.", "Nicht quittiert: Die Station antwortet nicht.";
    NotLogged: "Not done: it cannot be written to the log of changes.",
        "Nicht ausgeführt: Das Änderungsprotokoll ist nicht beschreibbar.";
    Back: "Back", "Zurück";
    Counters: "This run", "Dieser Lauf";
    Parts: "Parts", "Teile";
    Passed: "Passed", "Gut";
    JudgedBad: "Judged bad", "Schlecht";
    NotInspected: "Not inspected or too near", "Nicht geprüft oder zu nah";
    RejectShare: "Rejected", "Ausschuss";
    Late: "Verdicts too late", "Zu späte Urteile";
    Figures: "Figures", "Kennzahlen";
    Speed: "Belt", "Band";
    Temperature: "Temperature", "Temperatur";
    Disk: "Free on disk", "Frei auf der Platte";
    Judging: "Judging, on average", "Urteil, im Mittel";
    Dropped: "Pictures lost", "Verlorene Bilder";
    Untold: "Parts not told to this page", "Dieser Seite nicht gemeldete Teile";
    Product: "Product", "Produkt";
    Reason: "Reason", "Grund";
    AllReasons: "All reasons", "Alle Gründe";
    Time: "Time", "Zeit";
    LastHour: "Last hour", "Letzte Stunde";
    LastShift: "Last 8 hours", "Letzte 8 Stunden";
    LastDay: "Last 24 hours", "Letzte 24 Stunden";
    LastWeek: "Last 7 days", "Letzte 7 Tage";
    Ever: "All", "Alle";
    Show: "Show", "Anzeigen";
    Older: "Older", "Ältere";
    Newest: "Newest", "Neueste";
    NoRejects: "No rejected parts in this time.", "Kein Ausschuss in dieser Zeit.";
    NoStore: "The records cannot be read: ", "Die Aufzeichnungen sind nicht lesbar: ";
    StoreUnknown: "The station has not said yet where its records are.", "Die Station hat noch nicht gemeldet, wo ihre Aufzeichnungen liegen.";
    TooLong: "That took too long: choose a shorter time.", "Das dauerte zu lange: Bitte kürzere Zeit wählen.";
    NoPictureKept: "No picture", "Kein Bild";
    WhatHappened: "What became of it", "Was geschah";
    LeftAt: "Decided (UTC)", "Entschieden (UTC)";
    WasPassed: "passed", "durchgelassen";
    WasRejected: "rejected", "ausgeschleust";
    DecidedAfter: "Decided after", "Entschieden nach";
    JudgedIn: "Judged in", "Beurteilt in";
    ExposedLater: "Exposed off the moment", "Belichtung neben dem Zeitpunkt";
    FiredLater: "Gate later than due", "Weiche später als fällig";
    LateVerdict: "Verdict that came too late", "Zu spätes Urteil";
    Run: "Run", "Lauf";
    Original: "Frame as taken", "Aufnahme im Original";
    Products: "Products", "Produkte";
    NoRecipes: "This station has no recipes: its configuration names no folder for them.",
        "Diese Station hat keine Rezepte: Ihre Konfiguration nennt keinen Ordner dafür.";
    Number: "Number", "Nummer";
    Recipe: "Recipe", "Rezept";
    Inspected: "Inspected", "Geprüft";
    Now: "now", "jetzt";
    Made: "Made (UTC)", "Erstellt (UTC)";
    Bundle: "Bundle", "Bündel";
    GoodParts: "good parts", "gute Teile";
    SignedBy: "signed by", "signiert von";
    Unusable: "Cannot be used:", "Nicht verwendbar:";
    ChangeTo: "Change to", "Wechseln zu";
    ChangeProduct: "Change products", "Produkt wechseln";
    ChangeWhat: "When the other bundle is ready, the line stands for a moment, parts between trigger and gate are rejected, and the other product is inspected.",
        "Sobald das andere Bündel bereit ist, steht die Linie einen Moment, Teile zwischen Lichtschranke und Weiche werden ausgeschleust, und das andere Produkt wird geprüft.";
    SignInToChange: "Sign in to change products", "Zum Produktwechsel anmelden";
    Preparing: "The bundle is tested and warmed up, the product before is still inspected:",
        "Das Bündel wird geprüft und vorbereitet, das bisherige Produkt läuft weiter:";
    Changing: "Products are being changed to", "Das Produkt wird gewechselt zu";
    NotChanged: "Products were not changed to", "Das Produkt wurde nicht gewechselt zu";
    ChangedBefore: "A change of products is under way already.", "Es läuft schon ein Produktwechsel.";
    NoSuchProduct: "The station has no such product.", "Dieses Produkt hat die Station nicht.";
    NotHeard: "Not done: the station does not answer.", "Nicht ausgeführt: Die Station antwortet nicht.";
    Log: "Log", "Protokoll";
    SignIn: "Sign in", "Anmelden";
    SignOut: "Sign out", "Abmelden";
    SignInToAcknowledge: "Sign in to acknowledge", "Zum Quittieren anmelden";
    SignInFirst: "Please sign in: this is not for everybody.", "Bitte anmelden: Das ist nicht für alle.";
    NotAllowed: "Your role does not allow this.", "Ihre Rolle erlaubt das nicht.";
    OldPage: "Not done: the page was an old one. Please go back, load it again, and try again.",
        "Nicht ausgeführt: Die Seite war veraltet. Bitte zurückgehen, neu laden und erneut versuchen.";
    NoPasswords: "Nobody has to sign in here yet: no admin has a password. edge-plant set-password gives one.",
        "Hier muss sich noch niemand anmelden: Es gibt kein Admin-Passwort. edge-plant set-password vergibt eines.";
    Name: "Name", "Name";
    Password: "Password", "Passwort";
    Wrong: "Name or password is wrong.", "Name oder Passwort ist falsch.";
    TooManyTries: "Too many tries. Please wait a little.", "Zu viele Versuche. Bitte etwas warten.";
    NoSignIn: "Nobody can sign in at the moment: see the log of edge-plant on the board.",
        "Zurzeit kann sich niemand anmelden: siehe das Log von edge-plant auf dem Rechner.";
    Operator: "operator", "Bedienung";
    Engineer: "engineer", "Technik";
    Admin: "admin", "Admin";
    NoLog: "No log is kept: the configuration does not name its folder.", "Es wird kein Protokoll geführt: Die Konfiguration nennt keinen Ordner dafür.";
    NoLogRead: "The log cannot be read: ", "Das Protokoll ist nicht lesbar: ";
    LogWhole: "Every entry is as it was written and follows the one before.",
        "Jeder Eintrag ist, wie er geschrieben wurde, und folgt auf den davor.";
    LogChanged: "The log is another than it was:", "Das Protokoll ist nicht, wie es war:";
    LogKept: "Entries", "Einträge";
    LogHead: "Newest entry's number and hash", "Nummer und Prüfsumme des neuesten Eintrags";
    LogHint: "Kept elsewhere, number and hash show later that no newer entries were cut off: edge-plant verify-log --head.",
        "Anderswo aufbewahrt, zeigen Nummer und Prüfsumme später, dass am Ende nichts fehlt: edge-plant verify-log --head.";
    LogEmpty: "Nothing was changed yet.", "Es wurde noch nichts geändert.";
    Entry: "Entry", "Eintrag";
    TimeUtc: "Time (UTC)", "Zeit (UTC)";
    Who: "Who", "Wer";
    AsRole: "Role", "Rolle";
    What: "What", "Was";
    Before: "Before", "Vorher";
    After: "After", "Nachher";
    NoEntry: "No entry:", "Kein Eintrag:";
    NotFound: "There is no such page.", "Diese Seite gibt es nicht.";
    NoSuchPart: "There is no record of this part.", "Zu diesem Teil gibt es keine Aufzeichnung.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_language_that_is_there_is_taken() {
        for (header, expected) in [
            ("de-CH,de;q=0.9,en;q=0.8", Some(Language::German)),
            ("fr, en-GB;q=0.8, de;q=0.7", Some(Language::English)),
            ("fr", None),
            ("", None),
            (",;-", None),
        ] {
            assert_eq!(Language::accepted(header), expected, "{header}");
        }
    }

    #[test]
    fn every_word_is_there_in_every_language() {
        for word in Word::ALL {
            assert!(Language::ALL.into_iter().all(|language| !word.to(language).is_empty()), "{word:?}");
        }
    }
}
