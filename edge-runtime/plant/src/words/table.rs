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
    UploadBundle: "Upload a bundle", "Bündel hochladen";
    EngineersUpload: "An engineer who is signed in may upload bundles.", "Bündel hochladen darf, wer als Technik angemeldet ist.";
    ForRecipe: "For the recipe", "Für das Rezept";
    ForRecipeHint: "The name of one that is there, or a new one: letters a to z and A to Z, digits, - and _.",
        "Der Name eines vorhandenen oder ein neuer: Buchstaben a bis z und A bis Z, Ziffern, - und _.";
    SettingsAs: "Settings of a new recipe as of", "Einstellungen eines neuen Rezepts wie";
    EvenIfOlder: "Even if it was made before the one that is there", "Auch wenn es vor dem vorhandenen erstellt wurde";
    BundleFile: "Bundle", "Bündel";
    Upload: "Upload", "Hochladen";
    UploadWhat: "The station verifies the signature and runs the bundle's self-test before it is the recipe's. What is inspected now is not touched: a change of products takes the bundle up. Who, what and why is logged.",
        "Die Station prüft die Signatur und führt den Selbsttest des Bündels aus, bevor es zum Rezept gehört. Die laufende Prüfung bleibt unberührt: Erst ein Produktwechsel nimmt das Bündel auf. Wer, was und warum wird protokolliert.";
    BundleComes: "A bundle is on its way for", "Ein Bündel wird übertragen für";
    BundleIsTested: "A bundle is verified and tested for", "Ein Bündel wird geprüft für";
    UploadedNew: "Verified, tested and taken: there is a new recipe for it.", "Geprüft, getestet und übernommen: Dafür gibt es ein neues Rezept.";
    Uploaded: "Verified, tested and taken: the recipe has this bundle now.", "Geprüft, getestet und übernommen: Das Rezept hat jetzt dieses Bündel.";
    UploadedOther: "It is inspected with from the next change to this recipe on. Whether it is fast enough for the line is checked then.",
        "Geprüft wird damit ab dem nächsten Wechsel zu diesem Rezept. Ob es für die Linie schnell genug ist, zeigt sich dann.";
    UploadedRunning: "The line goes on with the bundle that it has. Change to this recipe again to inspect with the new one; the next start of the station does too.",
        "Die Linie läuft mit dem bisherigen Bündel weiter. Für das neue bitte erneut zu diesem Rezept wechseln; auch der nächste Start der Station nimmt es.";
    OtherThanJudges: "has another bundle than the one that judges", "hat ein anderes Bündel als das, das urteilt";
    SelfTest: "Self-test", "Selbsttest";
    PicturesTested: "stored pictures", "gespeicherte Bilder";
    GreatestDifference: "greatest difference of the scores", "größte Abweichung der Werte";
    Allowed: "allowed", "erlaubt";
    SignedByKey: "Signed by key", "Signiert mit Schlüssel";
    Networks: "Networks", "Netze";
    Training: "Training", "Training";
    TrainingSteps: "steps", "Schritte";
    TrainingPictures: "pictures", "Bilder";
    FileFormat: "Format", "Format";
    Checksum: "SHA-256", "SHA-256";
    ThisBundle: "This bundle", "Dieses Bündel";
    OnStation: "On the station", "Auf der Station";
    Needed: "Needed:", "Nötig:";
    NoFile: "Not done: please choose a bundle (.draem).", "Nicht ausgeführt: Bitte ein Bündel auswählen (.draem).";
    UploadUnheard: "The station does not answer: whether it has the bundle, this page shows when it does.",
        "Die Station antwortet nicht: Ob sie das Bündel hat, zeigt diese Seite, sobald sie es tut.";
    BundleBrokenOff: "Not done: the bundle did not arrive. Please try again.", "Nicht ausgeführt: Das Bündel kam nicht an. Bitte erneut versuchen.";
    UploadBusy: "Not done: another bundle is on its way. Please try again when it is there.",
        "Nicht ausgeführt: Ein anderes Bündel wird gerade übertragen. Bitte danach erneut versuchen.";
    NoRecipeName: "Not done: a recipe's name has at most 40 letters of a to z and A to Z, digits, - and _, and is not own: the bundle of the configuration itself is not changed here.",
        "Nicht ausgeführt: Ein Rezeptname hat höchstens 40 Buchstaben von a bis z und A bis Z, Ziffern, - und _, und heißt nicht own: Das Bündel der Konfiguration selbst wird hier nicht geändert.";
    TooManyRecipes: "Not done: there may be no more recipes. Remove one in the station's folder first. At most:",
        "Nicht ausgeführt: Mehr Rezepte darf es nicht geben. Bitte zuerst eines im Ordner der Station entfernen. Höchstens:";
    NotItsOwnBundle: "Not done: this recipe's bundle is another recipe's too, or does not lie in the folder of recipes. Give the bundle a recipe of its own, or put it there by hand.",
        "Nicht ausgeführt: Das Bündel dieses Rezepts gehört auch einem anderen oder liegt nicht im Rezeptordner. Bitte ein eigenes Rezept nehmen oder es von Hand ablegen.";
    RecipeUnfit: "Not done: the recipe cannot be used. Mend its file first.", "Nicht ausgeführt: Das Rezept ist nicht verwendbar. Bitte zuerst seine Datei berichtigen.";
    NotABundle: "Refused: this is no bundle. The trainer writes them as files that end in .draem.",
        "Abgelehnt: Das ist kein Bündel. Der Trainer schreibt sie als Dateien mit der Endung .draem.";
    OtherFormat: "Refused: the bundle has another format than this station reads. Update the older of the two sides, or export it again.",
        "Abgelehnt: Das Bündel hat ein anderes Format, als diese Station liest. Bitte die ältere Seite aktualisieren oder es neu exportieren.";
    BundleTooLarge: "Refused: it is larger than any bundle.", "Abgelehnt: Das ist größer als jedes Bündel.";
    BundleCutOff: "Refused: it is shorter or longer than it says of itself, as a copy is that was broken off. Copy it again.",
        "Abgelehnt: Es ist kürzer oder länger, als es selbst angibt, wie nach einer abgebrochenen Kopie. Bitte neu kopieren.";
    NotTrusted: "Refused: nobody signed it whom this station trusts. Sign it with a trusted key, or put the key's .pub file where the station looks for trusted keys and start it again.",
        "Abgelehnt: Es ist nicht von jemandem signiert, dem diese Station vertraut. Bitte mit einem vertrauten Schlüssel signieren oder dessen .pub-Datei bei den vertrauten Schlüsseln der Station ablegen und sie neu starten.";
    BundleDamaged: "Refused: the signature does not fit. It was damaged, or changed after it was signed. Take it from the trainer again.",
        "Abgelehnt: Die Signatur passt nicht. Es wurde beschädigt oder nach dem Signieren verändert. Bitte neu vom Trainer holen.";
    BundleUnfit: "Refused: it is genuine, but not for this line.", "Abgelehnt: Es ist echt, aber nicht für diese Linie.";
    OtherProduct: "Refused: it is for another product than the recipe's bundle. Give it a recipe of its own.",
        "Abgelehnt: Es ist für ein anderes Produkt als das Bündel des Rezepts. Bitte ein eigenes Rezept dafür nehmen.";
    BundleOlder: "Refused: it was made before the bundle that is there. If that is meant, tick the box.",
        "Abgelehnt: Es wurde vor dem vorhandenen Bündel erstellt. Wenn das gewollt ist, bitte das Kästchen ankreuzen.";
    SelfTestFailed: "Refused: this station does not compute what the trainer computed. Export it again, and update the older of the two sides.",
        "Abgelehnt: Diese Station rechnet nicht, was der Trainer gerechnet hat. Bitte neu exportieren und die ältere Seite aktualisieren.";
    NoRoomForBundle: "Not done: the station's disk has no room for it. Make room, or keep fewer pictures.",
        "Nicht ausgeführt: Auf der Platte der Station ist kein Platz dafür. Bitte Platz schaffen oder weniger Bilder aufbewahren.";
    BundleNotKept: "Not done: the station cannot keep it. Its folder of recipes must be one that it may write to.",
        "Nicht ausgeführt: Die Station kann es nicht ablegen. Ihr Rezeptordner muss für sie beschreibbar sein.";
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
    MarkForTraining: "Mark for training", "Für das Training markieren";
    MarkGood: "This was good", "Das war gut";
    MarkBad: "This was bad", "Das war schlecht";
    MarkNone: "Take the mark away", "Markierung entfernen";
    MarkedGood: "✓ marked as good", "✓ als gut markiert";
    MarkedBad: "✗ marked as bad", "✗ als schlecht markiert";
    MarkHint: "For the next training: edge-plant export-marks. Nothing changes on the line.",
        "Für das nächste Training: edge-plant export-marks. An der Linie ändert sich nichts.";
    SignInToMark: "Whoever is signed in may say what this part really was.", "Wer angemeldet ist, kann sagen, was dieses Teil wirklich war.";
    NoMarks: "No marks are kept: the configuration does not name a folder (roles.folder).",
        "Es werden keine Markierungen geführt: Die Konfiguration nennt keinen Ordner (roles.folder).";
    NoMarksRead: "The marks cannot be read: ", "Die Markierungen sind nicht lesbar: ";
    NotMarked: "Not done: the mark cannot be kept.", "Nicht ausgeführt: Die Markierung kann nicht festgehalten werden.";
    Health: "Health", "Zustand";
    Fine: "fine", "in Ordnung";
    Look: "look at it", "ansehen";
    NotTold: "not told", "nicht bekannt";
    Beyond: "beyond its limit", "über der Grenze";
    Limit: "Limit", "Grenze";
    Value: "Now", "Jetzt";
    Judgement: "State", "Zustand";
    Throttled: "Processor slowed down", "Prozessor verlangsamt";
    Yes: "yes", "ja";
    No: "no", "nein";
    RecordsWait: "Records that wait for the disk", "Aufzeichnungen, die auf die Platte warten";
    PicturesWait: "Parts whose pictures wait for the disk", "Teile, deren Bilder auf die Platte warten";
    ShotsWait: "Pictures that are judged, or wait to be", "Bilder, die beurteilt werden oder darauf warten";
    FramesWait: "Camera's pictures that wait", "Bilder der Kamera, die warten";
    CameraTurned: "Camera's thread turned, ago", "Kamera-Thread lief zuletzt vor";
    GateTurned: "Gate's thread turned, ago", "Weichen-Thread lief zuletzt vor";
    JudgingSince: "Oldest picture is being judged for", "Ältestes Bild wird beurteilt seit";
    FramesLost: "Camera's pictures lost in this run", "Verlorene Bilder der Kamera in diesem Lauf";
    PicturesLost: "Parts of this run whose pictures are not kept", "Teile dieses Laufs, deren Bilder nicht aufbewahrt sind";
    LateVerdicts: "Verdicts of this run that came too late", "Zu späte Urteile in diesem Lauf";
    Latency: "Time to judge a picture, ms", "Zeit für ein Urteil, ms";
    FireError: "Gate later than due, ms", "Weiche später als fällig, ms";
    Median: "Half of them: ", "Die Hälfte: ";
    NinetyNine: "99 of 100: ", "99 von 100: ";
    AtMost: "at most", "höchstens";
    MoreThan: "more than", "mehr als";
    NoValues: "none in this run yet", "in diesem Lauf noch keine";
    Count: "Number", "Anzahl";
    UpTo: "Up to", "Bis";
    AsFarAsBuckets: "Since the run began, as far as the classes tell.", "Seit Beginn des Laufs, so genau wie die Klassen.";
    Versions: "Who is who", "Wer ist wer";
    StationSoftware: "Station's program", "Programm der Station";
    PlantSoftware: "This page's program", "Programm dieser Seite";
    OtherRelease: "The two programs are of different releases: install both of one.", "Die beiden Programme sind aus verschiedenen Ausgaben: Bitte beide aus einer installieren.";
    RunBegan: "Run began (UTC)", "Lauf begann (UTC)";
    InForce: "In force", "Gilt jetzt";
    Tried: "looked at", "angesehen";
    OwnThreshold: "Where none is set", "Wo keiner eingestellt ist";
    TargetShare: "Good parts that may be rejected, %", "Gute Teile, die ausgeschleust werden dürfen, %";
    OrThreshold: "or a threshold", "oder ein Grenzwert";
    LookAtIt: "Look", "Ansehen";
    LookHint: "This changes nothing.", "Damit ändert sich nichts.";
    NoTarget: "A share of more than 0 and less than 100 % is needed.", "Nötig ist ein Anteil über 0 und unter 100 %.";
    NoThreshold: "A threshold of 0 or more and less than 1 is needed.", "Nötig ist ein Grenzwert von mindestens 0 und unter 1.";
    NoGoodScores: "The bundle has no good parts to choose from.", "Das Bündel enthält keine guten Teile, aus denen gewählt werden könnte.";
    TooFewHeld: "So small a share cannot be promised. Good parts that the trainer held out:",
        "Ein so kleiner Anteil kann nicht versprochen werden. Vom Trainer zurückgehaltene gute Teile:";
    TooFewNeeded: "Needed for it:", "Dafür nötig:";
    TooFewReachable: "Smallest share that can be promised:", "Kleinster Anteil, der versprochen werden kann:";
    GoodHeldOut: "Good parts that the trainer held out", "Gute Teile, die der Trainer zurückhielt";
    PartsOfTime: "Parts of the line in this time", "Teile der Linie in dieser Zeit";
    ChartHint: "Scores on a logarithmic scale; a bar grows with the root of the number. The line is the threshold in force: what lies to its right is bad.",
        "Werte auf logarithmischer Skala; ein Balken wächst mit der Wurzel der Anzahl. Die Linie ist der geltende Grenzwert: Was rechts davon liegt, ist schlecht.";
    ChartPart: "The dashed line is this part.", "Die gestrichelte Linie ist dieses Teil.";
    GoodThatScoreMore: "Of these, good parts that score more than this one:", "Davon gute Teile mit höherer Bewertung als dieses:";
    ChartTried: "The dashed line is the one that is looked at.", "Die gestrichelte Linie ist der angesehene.";
    ExpectedRejects: "Good parts rejected, expected", "Gute Teile im Ausschuss, erwartet";
    BoundRejects: "No more than, with 95 % confidence", "Höchstens, mit 95 % Sicherheit";
    WouldBeBad: "Parts that would be bad", "Teile, die schlecht wären";
    WouldBeGood: "Parts that would be good", "Teile, die gut wären";
    WithoutScore: "Parts without a score, rejected in any case", "Teile ohne Wert, in jedem Fall ausgeschleust";
    CompareHint: "Shares by the good parts that the trainer held out. Numbers by the scores recorded in this time, whatever the threshold was then.",
        "Anteile nach den guten Teilen, die der Trainer zurückhielt. Zahlen nach den in dieser Zeit aufgezeichneten Werten, gleich welcher Grenzwert damals galt.";
    NeighbourHint: "Good parts that left with a rejected neighbour, counted as good here:",
        "Gute Teile, die mit einem Ausschussteil daneben ausgeschleust wurden, hier als gut gezählt:";
    OtherBundleHint: "Parts that another bundle judged, left out:", "Teile, die ein anderes Bündel beurteilt hat, nicht gezählt:";
    AsTable: "As a table", "Als Tabelle";
    ChangeThreshold: "Change the threshold", "Grenzwert ändern";
    ThresholdFixed: "The station's configuration, or its command line, says what the threshold is: it cannot be changed here.",
        "Die Konfiguration der Station oder ihre Kommandozeile legt den Grenzwert fest: Er kann hier nicht geändert werden.";
    EngineersOnly: "An engineer who is signed in may change it.", "Ändern darf ihn, wer als Technik angemeldet ist.";
    LookFirst: "Look at another threshold first; then it can be changed here.", "Bitte zuerst einen anderen Grenzwert ansehen; dann kann er hier geändert werden.";
    WhyChange: "Why (for the log)", "Warum (für das Protokoll)";
    BackToOwn: "As where none is set", "Wie ohne Einstellung";
    ChangeHint: "Holds from the next picture on and after a restart, for this bundle alone. Who, what and why is logged first.",
        "Gilt ab dem nächsten Bild und nach einem Neustart, nur für dieses Bündel. Wer, was und warum wird zuerst protokolliert.";
    ThresholdSet: "Set: it holds from the next picture on.", "Eingestellt: Er gilt ab dem nächsten Bild.";
    NoReason: "Not done: a reason of at most 200 characters is needed.", "Nicht ausgeführt: Nötig ist ein Grund von höchstens 200 Zeichen.";
    OtherBundleNow: "Not done: another bundle judges now. Please load the page again.", "Nicht ausgeführt: Inzwischen urteilt ein anderes Bündel. Bitte die Seite neu laden.";
    ThresholdNotKept: "Not done: the station cannot keep it on its disk.", "Nicht ausgeführt: Die Station kann ihn nicht auf ihrer Platte festhalten.";
    ThresholdUnheard: "The station does not answer: whether the threshold is set, this page shows when it does.",
        "Die Station antwortet nicht: Ob der Grenzwert eingestellt ist, zeigt diese Seite, sobald sie es tut.";
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
