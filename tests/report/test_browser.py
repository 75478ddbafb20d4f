"""The page in headless Chromium: every switch, the pop-up, keys, links, print; skipped without a browser."""

import base64
import json
import os
import shutil
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mattomo.materials.registry import PropertyInfo
from mattomo.report import summarize, write_html, write_tables
from mattomo.report.numbers import bits, percent, quantity, signed

from .test_page import HOSTILE

selenium = pytest.importorskip("selenium", reason="drives a browser")
from selenium import webdriver  # noqa: E402
from selenium.common.exceptions import WebDriverException  # noqa: E402
from selenium.webdriver import ActionChains, Keys  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402

WIDTHS = (360, 1000, 1600)

CONTRAST = """
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const rgb = (colours) => {
  canvas.clearRect(0, 0, 1, 1);
  for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
  return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((v) => v / 255);
};
const luminance = (colours) => {
  const [r, g, b] = rgb(colours).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  const found = [];
  for (let at = element; at; at = at.parentElement) found.unshift(getComputedStyle(at).backgroundColor);
  return found;
};
const seen = (e) => e.textContent.trim() && e.checkVisibility();
return [...document.querySelectorAll(arguments[0])].filter(seen).map((e) => {
  const back = behind(e);
  const [one, two] = [luminance(back), luminance([...back, getComputedStyle(e).color])];
  return [(Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05), e.textContent.trim().slice(0, 40)];
});
"""


@pytest.fixture(scope="module")
def chromium():
    program = shutil.which("chromedriver")
    if program is None:
        pytest.skip("no chromedriver")
    options = webdriver.ChromeOptions()
    for option in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(option)
    binary = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if binary:
        options.binary_location = binary
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    try:
        driver = webdriver.Chrome(options=options, service=Service(program))
    except WebDriverException as error:
        pytest.skip(f"no browser: {error.msg}")
    yield driver
    driver.quit()


class Page:
    """A report in the browser, and what its study holds."""

    def __init__(self, driver, summary, path):
        self.driver, self.summary = driver, summary
        self.uri = write_html(summary, path).as_uri()
        self.open()

    def open(self, *, fragment="", width=1400, dark=False):
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": scheme})
        self.driver.get("about:blank")  # the same address with another fragment would not be loaded again
        self.driver.get_log("performance")
        self.driver.get_log("browser")
        self.driver.get(self.uri + fragment)

    def script(self, code, *args):
        return self.driver.execute_script(code, *args)

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def shown(self, selector):
        """Texts of what is displayed."""
        code = """return [...document.querySelectorAll(arguments[0])].filter((e) => e.checkVisibility())
                  .map((e) => e.textContent.replaceAll("\\u00ad", "").trim())"""
        return self.script(code, selector)

    def choose(self, switch):
        """Click a switch where a reader would."""
        self.find(f"label:has(#{switch})").click()
        assert self.script("return document.getElementById(arguments[0]).checked", switch)

    def cell(self, index):
        return self.find(f"td[data-cell='{index}']")

    def text(self, selector):
        return " ".join(self.find(selector).text.split())

    def quiet(self):
        """Nothing was complained of, and nothing was asked for but the file itself."""
        assert self.driver.get_log("browser") == []
        sent = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        urls = {m["params"]["request"]["url"] for m in sent if m["method"] == "Network.requestWillBeSent"}
        assert {url.split("#")[0] for url in urls} <= {self.uri}


def summary_of(made):
    return summarize(made.outcome, made.analysis, close=made.close)


@pytest.fixture(scope="module")
def two(chromium, outcome, make_study, tmp_path_factory):
    """Two learners, two representations, two targets, five properties of three kinds."""
    infos = [outcome.properties[i] for i in (0, 1, 8, 11, 4)]  # the last is the one that helps
    made = make_study(
        outcome, learners=("cgcnn", "trees"), properties=tuple(infos), fractions=(0.5, 1.0), seeds=(0, 1, 2)
    )
    return Page(chromium, summary_of(made), tmp_path_factory.mktemp("two") / "report.html")


@pytest.fixture
def page(two):
    two.open()
    return two


def test_the_value_switch_shows_bits(page):
    cells = page.summary["cells"]
    index = next(i for i, c in enumerate(cells) if c["information"]["bits"] and not c["diagonal"])
    where = f"td[data-cell='{index}'] .as-"
    assert page.shown(where + "bits") == []
    assert page.shown(where + "mae .mean") == [percent(cells[index]["mean"])]
    page.choose("measure-bits")
    assert page.shown(where + "bits") == [bits(cells[index]["information"]["bits"])]
    assert page.shown(where + "mae .mean") == []
    page.choose("measure-mae")
    assert page.shown(where + "bits") == []
    page.quiet()


def test_each_rule_marks_the_cells_it_should(page):
    marked = {}
    for rule in page.summary["criteria"]:
        page.choose(f"rule-{rule}")
        drawn = page.script(
            """const isMarked = (td) => getComputedStyle(td, "::after").content === '"●"';
               const cells = [...document.querySelectorAll("td[data-cell]")];
               return cells.filter(isMarked).map((td) => +td.dataset.cell)"""
        )
        marked[rule] = set(drawn)
        assert marked[rule] == {
            i for i, c in enumerate(page.summary["cells"]) if c[rule] and not c["diagonal"]
        }
        assert len(page.shown(".rule")) == 1
        assert page.summary["criteria"][rule] in page.shown(".rule")[0]
        tables = page.shown("#table1 caption")
        assert tables[0] == f"Rule: {page.summary['criteria'][rule]}"
    assert marked["paired_minmax"]
    assert marked["swap"]
    assert len({frozenset(found) for found in marked.values()}) > 1
    page.quiet()


def test_learners_and_representations_can_be_shown_alone(page):
    assert len(page.shown(".map figcaption")) == 4
    page.choose("learner-1")
    assert page.shown(".learner h3") == ["trees"]
    page.choose("show-0")
    assert page.shown(".map figcaption") == ["Added to composition"]
    page.choose("learner-all")
    assert page.shown(".map figcaption") == ["Added to composition"] * 2
    page.choose("show-all")
    assert len(page.shown(".map figcaption")) == 4
    page.quiet()


def order(page):
    rows = page.shown(".learner-1 .map-0 tbody tr:not(.kinds) th")
    columns = page.shown(".learner-1 .map-0 thead tr:not(.kinds) th")
    first = page.script(
        """return [...document.querySelector(".learner-1 .map-0 tbody tr:not(.kinds)").querySelectorAll("td")]
           .map((td) => +td.dataset.cell)"""
    )
    return rows, columns, first


def test_rows_can_be_ordered(page):
    summary = page.summary
    label = {name: info["label"] for name, info in summary["properties"].items()}
    planned = order(page)
    assert planned[0] == [label[name] for name in summary["added"]]
    assert planned[1] == [label[name] for name in summary["targets"]]

    def worth(name, value):
        own = [
            c for c in summary["cells"]
            if (c["learner"], c["representation"], c["added"]) == ("trees", "composition", name)
            and not c["diagonal"] and not c["information"]["deterministic"]
        ]  # fmt: skip
        return np.mean([value(c) for c in own])

    page.choose("order-strength")
    assert order(page)[0] == [
        label[n] for n in sorted(summary["added"], key=lambda n: worth(n, lambda c: c["mean"]))
    ]
    page.choose("measure-bits")
    assert order(page)[0] == [
        label[n]
        for n in sorted(summary["added"], key=lambda n: -worth(n, lambda c: c["information"]["bits"]))
    ]
    page.choose("order-name")
    assert order(page)[0] == sorted(planned[0], key=str.casefold)
    page.choose("order-kind")
    kinds = ["do not grow with the cell", "grow with the cell", "categories"]
    assert page.shown(".learner-1 .map-0 tbody .kinds th") == kinds
    rows = order(page)[0]
    assert rows[-2:] == ["Volume", "Crystal system"]
    assert page.shown(".learner-1 .map-0 thead .kinds th") == kinds[:1]
    # Each row still holds its own cells.
    cells = page.script(
        """return [...document.querySelectorAll(".learner-1 .map-0 tbody tr:not(.kinds)")].map((tr) =>
           [tr.cells[0].textContent, ...[...tr.querySelectorAll("td")].map((td) => +td.dataset.cell)])"""
    )
    for name, *indices in cells:
        assert {label[summary["cells"][i]["added"]] for i in indices} == {name}
        assert [label[summary["cells"][i]["target"]] for i in indices] == order(page)[1]
    page.choose("order-planned")
    assert order(page) == planned
    page.quiet()


def test_the_pop_up_follows_mouse_and_focus(page):
    cell = page.summary["cells"][1]
    ActionChains(page.driver).move_to_element(page.cell(1)).perform()
    text = page.text("#popup")
    for seed in cell["seeds"]:
        numbers = (
            f"{seed['seed']} {quantity(seed['mae0'])} {quantity(seed['mae1'])} {percent(seed['change'])}"
        )
        assert numbers in text
    box = page.script(
        "const r = document.getElementById('popup').getBoundingClientRect(); return [r.left, r.right]"
    )
    assert 0 <= box[0] < box[1] <= 1400
    ActionChains(page.driver).send_keys(Keys.ESCAPE).perform()
    assert not page.find("#popup").is_displayed()
    page.quiet()


def test_keys_alone_reach_every_cell(page):
    page.script("document.querySelector('.skip').focus()")
    for _ in range(80):
        ActionChains(page.driver).send_keys(Keys.TAB).perform()
        if page.script("return document.activeElement.matches('td[data-cell]')"):
            break
    keys = ActionChains(page.driver)
    at = "return document.activeElement.dataset.cell ?? document.activeElement.id"
    start = page.script(at)
    grid = page.script(
        """return [...document.activeElement.closest("tbody").rows].map((tr) =>
           [...tr.querySelectorAll("td")].map((td) => td.dataset.cell))"""
    )
    assert start == grid[0][0]
    keys.send_keys(
        Keys.ARROW_DOWN, Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ARROW_LEFT, Keys.ARROW_UP
    ).perform()
    assert page.script(at) == grid[1][0]
    assert page.find("#popup").is_displayed()
    ActionChains(page.driver).send_keys(Keys.ENTER).perform()
    assert page.script(at) == "cell"
    cell = page.summary["cells"][int(grid[1][0])]
    assert page.text("#cell h3").startswith(page.summary["properties"][cell["added"]]["label"])
    assert not page.find("#popup").is_displayed()
    page.script("document.getElementById('rule-paired_minmax').focus()")
    ActionChains(page.driver).send_keys(Keys.ARROW_RIGHT).perform()
    assert page.script("return document.getElementById('rule-separated').checked")
    page.quiet()


def test_links_stay_on_the_page_and_a_cell_has_its_own(page):
    targets = page.script("return [...document.querySelectorAll('a')].map((a) => a.getAttribute('href'))")
    assert all(target.startswith("#") for target in targets)
    missing = page.script(
        "return arguments[0].filter((t) => !t.startsWith('#cell-') && !document.getElementById(t.slice(1)))",
        targets,
    )
    assert missing == []
    page.cell(3).click()
    title = page.text("#cell h3")
    page.find("#cell .permalink").click()
    assert page.driver.current_url.endswith("#cell-3")
    page.open(fragment="#cell-3")
    assert page.text("#cell h3") == title
    page.open(fragment="#cell-99999")
    assert page.text("#cell h3") != ""
    page.quiet()


def rows_of(page, title):
    """Texts of the rows of a table under a title of the cell page."""
    return page.script(
        """const titles = [...document.querySelectorAll("#cell h4")];
           const block = titles.find((h) => h.textContent.startsWith(arguments[0])).parentElement;
           block.querySelectorAll("details").forEach((each) => (each.open = true));
           const texts = (tr) => [...tr.cells].map((td) => td.innerText.trim());
           return [...block.querySelectorAll("tr")].slice(1).map(texts)""",
        title,
    )


def test_a_cell_close_up_shows_the_numbers_of_the_tables(page, tmp_path):
    write_tables(page.summary, tmp_path)
    where, materials = (
        pd.read_csv(tmp_path / f"{name}.csv", dtype={"name": str}) for name in ("where", "materials")
    )
    index = next(
        i
        for i, c in enumerate(page.summary["cells"])
        if c["learner"] == "trees" and c["added"] == "energy_per_atom"
    )
    cell = page.summary["cells"][index]
    page.cell(index).click()
    for key in ("learner", "representation", "target", "added"):
        where, materials = (table[table[key] == cell[key]] for table in (where, materials))
    for title, kind in (
        ("By element", "elements"),
        ("By crystal", "crystal_systems"),
        ("By number", "polymorphs"),
    ):
        own = where[where["kind"] == kind]
        assert len(own)
        expected = {
            (row.name, f"{row.n:,}", quantity(row.mae0), signed(row.change))
            for row in own.itertuples(index=False)
        }
        assert {tuple(row[:4]) for row in rows_of(page, title)} == expected
    for title, end in (("Most helped", "helped"), ("Most hurt", "hurt")):
        own = materials[materials["end"] == end]
        expected = [
            [
                f"{row.id}\n{row.formula}",
                quantity(row.mae0),
                quantity(row.mae1),
                signed(row.change),
                str(row.n_seeds),
            ]
            for row in own.itertuples(index=False)
        ]
        assert rows_of(page, title) == expected
    seeds = pd.DataFrame(cell["seeds"])
    assert [row[-1] for row in rows_of(page, "Seed by seed")] == [
        percent(change) for change in seeds["change"]
    ]
    close = cell["closeup"]
    drawn = Counter(
        page.script("return [...document.querySelectorAll('#cell .point')].map((p) => p.classList[1])")
    )
    assert drawn == {"without": len(close["parity"]), "with": len(close["parity"])}
    lines = page.script("return [...document.querySelectorAll('#cell path.line')].map((p) => p.classList[1])")
    assert Counter(lines) == {"without": 3, "with": 3}
    framed = page.script("return document.querySelectorAll('#cell .el.clear').length")
    assert framed == where[(where["kind"] == "elements")]["clear"].sum()
    page.quiet()


def test_every_drawing_is_named_or_hidden_from_screen_readers(page):
    assert page.script(
        """const hidden = (svg) => svg.getAttribute("aria-hidden") === "true";
           const named = (svg) => svg.getAttribute("role") === "img" && svg.getAttribute("aria-label");
           return [...document.querySelectorAll("svg")].filter((svg) => !hidden(svg) && !named(svg)).length"""
    ) == 0  # fmt: skip
    unnamed = page.script(
        """const named = (e) => e.getAttribute("aria-label") || e.querySelector("legend") || e.labels?.length;
           const all = [...document.querySelectorAll("input, [role=region], [role=grid], fieldset")];
           return all.filter((e) => !named(e)).map((e) => e.outerHTML)"""
    )
    assert unnamed == []
    tree = page.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles = Counter(node.get("role", {}).get("value") for node in tree)
    assert roles["radio"] >= 14
    assert roles["grid"] == 4
    assert roles["gridcell"] >= 40
    assert roles["main"] == roles["navigation"] == 1


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read_in_both_schemes(page, dark):
    page.open(dark=dark)
    background = page.script("return getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, background[4:-1].split(","))) < 80) == dark
    for value in ("measure-mae", "measure-bits"):
        page.choose(value)
        found = page.script(
            CONTRAST,
            "p, li, td, th, dt, dd, h1, h2, h3, h4, a, .mean, .as-bits, label span, summary, caption",
        )
        poor = [each for each in found if each[0] < (3.0 if each[1] in "–●=" else 4.5)]
        assert not poor, sorted(poor)[:9]


@pytest.mark.parametrize("width", WIDTHS)
def test_no_width_scrolls_sideways(page, width):
    page.open(width=width)
    page.cell(2).click()
    assert page.script("return document.documentElement.scrollWidth") <= width
    page.script("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    assert page.script("return document.documentElement.scrollWidth") <= width
    page.quiet()


def test_prints_to_pdf_without_switches(page):
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert page.shown("nav, fieldset, #popup") == []
    assert page.shown("#cell h3")
    made = page.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    content = base64.b64decode(made["data"])
    assert content.startswith(b"%PDF-")
    assert 4 <= content.count(b"/Type /Page\n") + content.count(b"/Type /Page ") <= 40


def test_hostile_text_stays_text(chromium, outcome, make_study, tmp_path):
    evil = "<img src=x onerror='window.hacked=1'><script>window.hacked=2</script>"
    texts = (evil, *HOSTILE)
    properties = tuple(PropertyInfo(text, text, unit=evil) for text in texts[:5])
    made = make_study(
        outcome, properties=properties, seeds=(0, 1), learners=(evil,),
        naming=lambda i: (f"{texts[i % len(texts)]}{i}", texts[-1 - i % len(texts)]),
    )  # fmt: skip
    hostile = made._replace(
        outcome=replace(made.outcome, notices=(evil,), data={"source": evil}, config={"a": f"</pre>{evil}"})
    )
    page = Page(chromium, summary_of(hostile), tmp_path / "report.html")
    for index in range(len(page.summary["cells"])):
        ActionChains(chromium).move_to_element(page.cell(index)).perform()
        page.script("arguments[0].click()", page.cell(index))
    for input_ in page.all("input[type=radio]"):
        page.choose(input_.get_attribute("id"))
    assert page.script("return window.hacked") is None
    assert page.all("img, iframe, object") == []
    assert len(page.all("script")) == 2
    helped = {name for row in rows_of(page, "Most helped") for name in row[0].split("\n")}
    assert helped
    assert evil in page.find("#data").text
    assert page.script("return document.documentElement.scrollWidth") <= 1400
    page.quiet()


def nothing_defined(make_outcome):
    made = make_outcome(n_targets=2, seeds=(0, 1))
    return summarize(replace(made, errors=made.errors.assign(mae=np.nan)))


def nothing_trained(make_outcome):
    made = make_outcome(n_targets=2, seeds=(0, 1))
    return summarize(replace(made, errors=made.errors.iloc[:0], rows=made.rows.iloc[:0], units_done=0))


ODD = {
    "pairs": {"pairs": True},
    "half done": {"done": 0.4, "learners": ("cgcnn", "trees")},
    "one seed": {"seeds": (0,)},
    "one target": {"n_targets": 1},
    "no structure": {"representations": ("composition",)},
    "structure alone": {"representations": ("structure",)},
    "no controls, no swaps": {"controls": False, "swaps": False},
    "nothing defined": nothing_defined,
    "nothing trained": nothing_trained,
}


@pytest.mark.parametrize("name", ODD)
def test_odd_studies_can_be_explored(chromium, outcome, make_outcome, make_study, tmp_path, name):
    odd = ODD[name]
    summary = (
        odd(make_outcome) if callable(odd) else summary_of(make_study(outcome, **{"seeds": (0, 1)} | odd))
    )
    page = Page(chromium, summary, tmp_path / "report.html")
    for input_ in page.all("input[type=radio]"):
        page.choose(input_.get_attribute("id"))
    for index in range(0, len(summary["cells"]), 5):
        page.script(
            "document.getElementById('learner-all')?.click(); document.getElementById('show-all')?.click()"
        )
        page.cell(index).click()
        assert page.shown("#cell h3")
        words = set(page.find("#cell").text.replace("(", " ").split())
        assert (
            not {"NaN", "null", *(["undefined"] if summary["cells"][index]["mean"] is not None else [])}
            & words
        )
    if not summary["status"]["complete"]:
        assert "not finished" in page.text(".chips")
    page.open(width=360)
    assert page.script("return document.documentElement.scrollWidth") <= 360
    page.quiet()
