"""Opens the dashboard in a real browser, on a daemon of its own: each panel holds the numbers that the RPC answers, no
message of the console, empty, loading, error and "went away" states, light and dark, wide and narrow; screenshots.

  dashboard.py FRESHET SCREENSHOTS [FILE…]     FILEs are fed (freshet feed); without any an invented world is
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

program, pictures, files = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
pictures.mkdir(parents=True, exist_ok=True)
folder = tempfile.mkdtemp(prefix="freshet-dash.", dir="/tmp")
rpc = f"{folder}/s"
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    address = f"127.0.0.1:{free.getsockname()[1]}"
environment = {k: v for k, v in os.environ.items() if not k.startswith("FRESHET_")}


def fail(what):
    raise SystemExit(f"dashboard: {what}")


def start():
    command = [program, "serve"]
    for setting in [f"state.folder={folder}/state", f"rpc.socket={rpc}", f"http.listen={address}"]:
        command += ["--set", setting]
    log = open(f"{folder}/log", "a")
    process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    for _ in range(300):
        if subprocess.run([program, "status", "--socket", rpc], capture_output=True).returncode == 0:
            return process
        if process.poll() is not None:
            break
        time.sleep(0.1)
    fail(f"the daemon does not start: {open(f'{folder}/log').read()}")


def freshet(*words):
    done = subprocess.run(
        [program, *words, "--json", "--socket", rpc], capture_output=True, text=True, check=True, env=environment
    )
    return json.loads(done.stdout)


def feed():
    if files:
        subprocess.run([program, "feed", *files, "--lenient", "--socket", rpc], check=True, stdout=subprocess.DEVNULL)
        return
    world = subprocess.Popen(
        [program, "simulate", "--users", "500", "--items", "300", "--events", "60000", "--seed", "7"],
        stdout=subprocess.PIPE,
    )
    subprocess.run([program, "feed", "-", "--socket", rpc], stdin=world.stdout, check=True, stdout=subprocess.DEVNULL)
    world.wait()


def browser():
    options = webdriver.ChromeOptions()
    for word in ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]:
        options.add_argument(word)
    options.binary_location = shutil.which("chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))


def until(what, condition, seconds=30):
    end, last = time.time() + seconds, None
    while time.time() < end:
        try:
            last = condition()
            if last:
                return last
        except Exception as error:  # The page is drawn anew while it is looked at.
            last = error
        time.sleep(0.05)
    page.save_screenshot(str(pictures / "failed.png"))
    fail(f"{what} does not come; last {last!r}; see {pictures}/failed.png")


def one(selector):
    return page.find_element(By.CSS_SELECTOR, selector)


def all_of(selector):
    return page.find_elements(By.CSS_SELECTOR, selector)


def click(selector):
    """As a person does who has scrolled there; the bar at the top may lie over what is clicked."""
    page.execute_script("arguments[0].click()", one(selector))


def text(selector):
    return one(selector).text


def close_to(found, wanted, what, tolerance=1e-9):
    if found is None or abs(float(found) - float(wanted)) > tolerance:
        fail(f"{what} shows {found}, and the RPC answers {wanted}")
    print(f"fine: {what} is {wanted}")


def metrics(width, height=900):
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500},
    )


def shoot(name):
    """The whole page, in both colours and both widths."""
    for width in [1280, 390]:
        metrics(width)
        for theme in ["light", "dark"]:
            page.execute_script(f"document.documentElement.dataset.theme = '{theme}'; map.draw(); window.scrollTo(0, 0)")
            time.sleep(0.4)
            height = page.execute_script("return document.documentElement.scrollHeight")
            too_wide = page.execute_script("return document.documentElement.scrollWidth") - width
            if too_wide > 0:
                fail(f"the page is {too_wide} pixels too wide at {width}")
            metrics(width, height)
            time.sleep(0.2)
            page.save_screenshot(str(pictures / f"{name}-{width}-{theme}.png"))
    metrics(1280)


daemon = start()
page = browser()
try:
    metrics(1280)
    page.get(f"http://{address}/")
    until("the health of an empty daemon", lambda: "nothing to learn from yet" in text("#health-words"))
    until("an empty list", lambda: "nothing to recommend" in text("#ask-note"))
    until("an empty map", lambda: "Nothing is learned yet" in text("#map-note"))
    until("empty curves", lambda: "No score yet" in text("#curves"))
    shoot("empty")

    feed()
    until("the end of the log", lambda: freshet("status")["lag.total"] == 0, 120)
    begun = time.time()
    page.get(f"http://{address}/")
    until("the first numbers", lambda: one("#now-events").get_attribute("data-value"))
    loaded = page.execute_script(
        "const t = performance.getEntriesByType('navigation')[0]; return t.domContentLoadedEventEnd - t.startTime"
    )
    print(f"fine: the page loads in {loaded:.0f} ms, the first numbers come after {time.time() - begun:.2f} s")
    if loaded > 1000:
        fail(f"the page takes {loaded} ms to load")

    # Now, and the curves.
    status = freshet("status")
    until("all events", lambda: f"{status['events.applied']:,}"[:3] in text("#tiles"))
    close_to(one("#now-rows").get_attribute("data-value"), status["users.count"], "Now: users")
    close_to(one("#now-lag").get_attribute("data-value"), status["lag.total"], "Now: lag")
    until("the curves", lambda: len(all_of("#curves figure")) >= 2)
    for model, field in [("stars", "rmse"), ("likes", "recall@10")]:
        wanted = status[f"model.{model}.{field}"]
        shown = lambda: float(one(f"#curves [data-model={model}]").get_attribute("data-value"))
        until(f"the {field} of {model} that the RPC answers, {wanted}", lambda: abs(shown() - wanted) < 1e-9)
        print(f"fine: Is it any good?: {field} of {model} is {wanted}")

    # Ask: a user, why, a rating that changes the list.
    user = "u42" if not files else "1"
    model = one("#ask-model").get_attribute("value")
    one("#ask-user").send_keys(user + Keys.ENTER)
    ids = lambda: [row.get_attribute("data-item") for row in all_of("#ask-list > li")]
    wanted = lambda: [entry["item"] for entry in freshet("recommend", user, "--count", "10", "--model", model)]
    until("the recommendations that the RPC answers", lambda: ids() and ids() == wanted())
    print(f"fine: Ask: {user} is recommended {', '.join(ids()[:3])} …, as the RPC answers")
    before = ids()
    click("#ask-list > li button[aria-expanded]")
    until("the reasons", lambda: "Rank 1" in text("#ask-list > li .why"))
    explained = freshet("explain", user, before[0], "--model", model)
    close_to(
        one("#ask-list > li .why .parts b:last-child").text.replace("−", "-"), explained["score"], "Ask: a score", 6e-4
    )
    shoot("asked")
    click("#ask-list > li:first-child .stars button:last-child")
    until("a list without what was rated", lambda: ids() and before[0] not in ids() and ids() == wanted())
    print("fine: Ask: a rating changes the list at once")

    # Ask: a visitor.
    page.execute_script("document.querySelector('[name=who][value=visitor]').click()")
    until("the note for visitors", lambda: "Search titles" in text("#ask-note"))
    title = one("#top .name button").text
    one("#ask-pick").send_keys(title.split("(")[0].strip())
    until("titles to pick", lambda: all_of("#ask-found button"))
    click("#ask-found button")
    until("recommendations for a visitor", lambda: len(ids()) == 10 and "out of" in text("#ask-note"))
    print("fine: Ask: a visitor who took one item gets ten")

    # Items.
    for by in ["popular", "bias", "-bias", "trending"]:
        page.execute_script(
            "const s = document.getElementById('top-by'); s.value = arguments[0];"
            "document.getElementById('top-among').checked = false; s.dispatchEvent(new Event('change'))",
            by,
        )
        listed = lambda: [row.get_attribute("data-item") for row in all_of("#top > li")]
        answer = [entry["item"] for entry in freshet("top", f"--by={by}", "--count", "12")]
        until(f"the list by {by} that the RPC answers", lambda: listed() == answer)
    print("fine: Items: four lists, as the RPC answers")
    click("#top .name button")
    until("an item's card", lambda: len(all_of("#item ol li[data-item]")) == 8)
    shown = [row.get_attribute("data-item") for row in all_of("#item ol li")]
    similar = [entry["item"] for entry in freshet("similar", answer[0], "--count", "8")]
    if shown != similar:
        fail(f"the neighbours of {answer[0]} are {shown}, and the RPC answers {similar}")
    print("fine: Items: eight neighbours, as the RPC answers")

    # Map.
    until("the map", lambda: one("#map-canvas").get_attribute("data-points"))
    points = int(one("#map-canvas").get_attribute("data-points"))
    print(f"fine: Map: {points} points")
    painted = page.execute_script(
        "const c = document.getElementById('map-canvas'); const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n"
    )
    if painted < points:
        fail(f"of {points} points {painted} pixels are painted")
    if len(all_of("#map-ends .link")) < 36:
        fail("the lists along the axes are short")
    one("#map-search").send_keys(title.split("(")[0].strip())
    until("titles to fly to", lambda: all_of("#map-found button"))
    click("#map-found button")
    in_view = (
        "if (map.chosen == null || Math.hypot(map.view.x - map.x[map.chosen], map.view.y - map.y[map.chosen]) > 1e-6) return -1;"
        "const c = map.canvas; return map.near.filter((i) => { const [x, y] = map.at(i);"
        "return x > 0 && y > 0 && x < c.clientWidth && y < c.clientHeight; }).length"
    )
    neighbours = min(12, points - 1)
    until("the flight, with the nearest items in view", lambda: page.execute_script(in_view) == neighbours)
    print(f"fine: Map: a search flies there, and its {neighbours} neighbours are in view")
    page.execute_script("document.getElementById('map').scrollIntoView({ behavior: 'instant' })")
    time.sleep(0.7)
    page.save_screenshot(str(pictures / "flown-1280.png"))
    page.execute_script("document.getElementById('map-whole').click()")
    time.sleep(0.7)
    shoot("full")

    # axe-core's rules, where it can be had.
    axe = os.environ.get("FRESHET_TEST_AXE")
    if axe:
        page.execute_script(open(axe).read())
        for theme in ["light", "dark"]:
            page.execute_script(f"document.documentElement.dataset.theme = '{theme}'")
            found = page.execute_async_script("const done = arguments[0]; axe.run().then((r) => done(r.violations))")
            if found:
                said = [f"{v['id']}: {v['help']} ({v['nodes'][0]['html'][:120]})" for v in found]
                fail(f"axe-core, {theme}: " + "; ".join(said))
        print("fine: axe-core finds nothing, in light or dark")
    else:
        print("skipped: axe-core is not there")

    errors = [entry for entry in page.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    if errors:
        fail(f"the console says {errors}")
    print("fine: the console is silent")

    # The daemon goes, and comes back.
    daemon.send_signal(signal.SIGTERM)
    if daemon.wait(60) != 0:
        fail("the daemon does not stop in order while it is looked at")
    until("the word that the daemon went away", lambda: "went away" in text("#away"))
    page.execute_script("window.scrollTo(0, 0)")
    page.save_screenshot(str(pictures / "away-1280.png"))
    daemon = start()
    back = lambda: one("#health").get_attribute("data-state") in ("well", "busy")
    until("the daemon's return", lambda: not one("#away").is_displayed() and back())
    print("fine: the page sees the daemon go and come back")
    page.get(f"http://{address}/")
    until("the curves of before the restart", lambda: len(all_of("#curves figure")) >= 2 and "go back to" in text("#curves-since"))
    print("fine: Is it any good?: the curves are kept over a restart")
finally:
    page.quit()
    daemon.kill()
    daemon.wait()
    shutil.rmtree(folder, ignore_errors=True)
print("dashboard: all is well")
