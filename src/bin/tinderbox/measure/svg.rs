//! SVG elements: text, lines and bars, in colours for light and for dark pages. The picture has a
//! background of its own, so that it is readable on any page.

/// Line colours on white and on near-black, distinguishable also with colour blindness; after the
/// last they repeat with dashes.
const COLOURS: [(&str, &str); 10] = [
    ("#0060a8", "#58b0f0"),
    ("#c04a00", "#ff9a4d"),
    ("#00805c", "#3fd0a0"),
    ("#a8307c", "#f08cc8"),
    ("#7a6200", "#e0c040"),
    ("#5b3fb5", "#b09cff"),
    ("#b02030", "#ff8080"),
    ("#4a5560", "#b8c4d0"),
    ("#008494", "#48d0e0"),
    ("#8a4b20", "#d8a070"),
];

const DASHES: [&str; 4] = ["none", "7 3", "2 3", "9 3 2 3"];

/// A picture under construction.
pub struct Svg {
    width: f64,
    height: f64,
    body: String,
}

/// How a text is aligned to its position.
#[derive(Clone, Copy)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// How intense a bar's colour is.
#[derive(Clone, Copy)]
pub enum Shade {
    Full,
    Pale,
}

impl Svg {
    pub fn new(width: f64, height: f64) -> Svg {
        Svg {
            width,
            height,
            body: String::new(),
        }
    }

    /// A text; `class` is `title`, `label` or `small`.
    pub fn text(&mut self, x: f64, y: f64, anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escape(text);
        self.add(&format!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" \
             class=\"{class}\">{text}</text>"
        ));
    }

    /// A grid line.
    pub fn rule(&mut self, from: (f64, f64), to: (f64, f64)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.add(&format!(
            "<path d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\" class=\"rule\"/>"
        ));
    }

    /// A line through points in the colour of this index.
    pub fn line(&mut self, index: usize, points: &[(f64, f64)]) {
        let mut path = String::new();
        for (index, (x, y)) in points.iter().enumerate() {
            let letter = if index == 0 { 'M' } else { 'L' };
            path += &format!("{letter}{x:.1} {y:.1}");
        }
        let colour = index % COLOURS.len();
        let dash = DASHES[index / COLOURS.len() % DASHES.len()];
        self.add(&format!(
            "<path d=\"{path}\" class=\"line s{colour}\" stroke-dasharray=\"{dash}\"/>"
        ));
    }

    /// A bar in the colour of this index.
    pub fn bar(&mut self, index: usize, place: (f64, f64), size: (f64, f64), shade: Shade) {
        let ((x, y), (width, height)) = (place, size);
        let colour = index % COLOURS.len();
        let opacity = match shade {
            Shade::Full => "",
            Shade::Pale => " fill-opacity=\"0.45\"",
        };
        self.add(&format!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
             class=\"f{colour}\"{opacity}/>"
        ));
    }

    fn add(&mut self, element: &str) {
        self.body += element;
        self.body += "\n";
    }

    /// The whole file. `title` and `description` are for screen readers.
    pub fn finish(self, title: &str, description: &str) -> String {
        let (width, height) = (self.width, self.height);
        let (title, description) = (escape(title), escape(description));
        let style = style();
        let body = self.body;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\" role=\"img\" aria-labelledby=\"t d\">\n\
             <title id=\"t\">{title}</title>\n<desc id=\"d\">{description}</desc>\n\
             <style>\n{style}</style>\n\
             <rect width=\"{width}\" height=\"{height}\" class=\"background\"/>\n{body}</svg>\n"
        )
    }
}

/// Repeated for both backgrounds: not every SVG renderer supports variables.
fn style() -> String {
    let mut style = "text{font-family:system-ui,sans-serif;font-size:12px}\n\
         .title{font-size:15px;font-weight:600}.small{font-size:11px}\n\
         .rule{stroke-width:1;fill:none}.line{stroke-width:2;fill:none}\n"
        .to_string();
    style += &colours("#ffffff", "#1c2026", "#dde1e6", |pair| pair.0);
    style += "@media (prefers-color-scheme:dark){\n";
    style += &colours("#14171b", "#e4e8ec", "#343a42", |pair| pair.1);
    style += "}\n";
    style
}

fn colours(
    background: &str,
    ink: &str,
    rule: &str,
    of: impl Fn(&(&'static str, &'static str)) -> &'static str,
) -> String {
    let mut style =
        format!(".background{{fill:{background}}}text{{fill:{ink}}}.rule{{stroke:{rule}}}\n");
    for (index, pair) in COLOURS.iter().enumerate() {
        let colour = of(pair);
        style += &format!(".s{index}{{stroke:{colour}}}.f{index}{{fill:{colour}}}");
    }
    style + "\n"
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}
