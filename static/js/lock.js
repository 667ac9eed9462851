// The lock: after some minutes without an act of the person the page is taken from sight until the same person gives
// the password again; what was half filled in is still there. Tabs of one browser know of each other by localStorage.
// Without this file the server locks by itself and shows the lock as a page.
(function () {
  "use strict";

  var PING = 60000;
  var LOOK = 5000;
  var place = null;
  var minutes = 0;
  var acted = Date.now();
  var pinged = Date.now();
  var title = "";
  var hiding = [];

  function keep(name, value) {
    try {
      window.localStorage.setItem(name, value);
    } catch (error) {
      // private windows may refuse; each tab then counts for itself
    }
  }

  function kept(name) {
    try {
      return window.localStorage.getItem(name);
    } catch (error) {
      return null;
    }
  }

  function token() {
    return place.querySelector("[name=csrfmiddlewaretoken]").value;
  }

  function post(url, fields, done) {
    var body = new URLSearchParams(fields || {});
    body.append("csrfmiddlewaretoken", token());
    window
      .fetch(url, {
        method: "POST",
        credentials: "same-origin",
        headers: { Accept: "application/json", "X-Portal-Idle": String(idleSeconds()) },
        body: body
      })
      .then(function (response) {
        if (response.status === 204) {
          return { ok: true };
        }
        var kind = response.headers.get("Content-Type") || "";
        return kind.indexOf("json") >= 0 ? response.json() : { ok: false, words: "服务器没有应答，请稍后再试。", status: response.status };
      })
      .then(done || function () {})
      .catch(function () {
        if (done) {
          done({ ok: false, words: "没有连上服务器，请检查网络后再试。", lost: true });
        }
      });
  }

  function lastAct() {
    return Math.max(acted, Number(kept("portal-acted")) || 0);
  }

  function idleSeconds() {
    return Math.floor((Date.now() - lastAct()) / 1000);
  }

  function locked() {
    return !place.hidden;
  }

  // Taken from sight really: nothing behind the lock is drawn, printed, found by a search or reached by a key.
  function cover(other) {
    if (locked()) {
      return;
    }
    if (window.portal.drafts && !other) {
      window.portal.drafts.save();
    }
    title = document.title;
    document.title = "已锁定 · 医保平台";
    hiding = Array.prototype.filter.call(document.body.children, function (child) {
      return child !== place && !child.hidden;
    });
    hiding.forEach(function (child) {
      child.hidden = true;
    });
    place.hidden = false;
    place.querySelectorAll(".lock-card").forEach(function (card) {
      card.hidden = card.hasAttribute("data-lock-other") !== Boolean(other);
    });
    var field = place.querySelector(other ? "a" : "[data-unlock-form] [name=password]");
    field.focus();
  }

  function uncover() {
    place.hidden = true;
    hiding.forEach(function (child) {
      child.hidden = false;
    });
    hiding = [];
    document.title = title;
    acted = Date.now();
    keep("portal-acted", String(acted));
  }

  function lockNow() {
    cover(false);
    keep("portal-locked", String(Date.now()));
    post(place.dataset.lock);
  }

  // Somebody else works in this browser now: what stands here is no longer theirs to see.
  function changed() {
    cover(true);
    place.querySelectorAll(".lock-card").forEach(function (card) {
      card.hidden = !card.hasAttribute("data-lock-other");
    });
    hiding.forEach(function (child) {
      child.remove();
    });
    hiding = [];
  }

  function say(words) {
    place.querySelector("[data-lock-words]").textContent = words;
  }

  function unlock(form) {
    var button = form.querySelector("button");
    button.disabled = true;
    post(place.dataset.unlock, { password: form.elements.password.value, code: form.elements.code.value }, function (answer) {
      button.disabled = false;
      button.classList.remove("is-busy");
      if (answer.ok) {
        form.reset();
        say("");
        uncover();
        keep("portal-unlocked", String(Date.now()));
        return;
      }
      if (answer.status === 403 || answer.status === 409) {
        changed();
        return;
      }
      if (answer.url) {
        window.location.assign(answer.url + "?next=" + encodeURIComponent(window.location.pathname + window.location.search));
        return;
      }
      say(answer.words || "没有解锁，请再试一次。");
      if (answer.code) {
        place.querySelector("[data-lock-code]").hidden = false;
        form.elements.code.focus();
      } else {
        form.elements.password.select();
      }
    });
  }

  function noteAct() {
    var now = Date.now();
    if (!place || locked()) {
      return;
    }
    if (now - acted > 1000) {
      keep("portal-acted", String(now));
    }
    acted = now;
  }

  function look() {
    if (locked()) {
      return;
    }
    if (minutes && idleSeconds() >= minutes * 60) {
      lockNow();
      return;
    }
    // A person who types for a long time is there, although no page is asked for.
    if (Date.now() - pinged >= PING && idleSeconds() < PING / 1000) {
      pinged = Date.now();
      post(place.dataset.alive, {}, heard);
    }
  }

  function heard(answer) {
    // null: nobody is logged in any more
    if (answer.status === 403 || answer.status === 409 || (answer.login !== undefined && String(answer.login) !== place.dataset.login)) {
      changed();
    } else if (answer.locked) {
      cover(false);
    }
  }

  function start() {
    place = document.getElementById("lock");
    if (!place) {
      return;
    }
    minutes = Number(place.dataset.minutes) || 0;
    keep("portal-acted", String(acted));
    keep("portal-login", place.dataset.login);
    ["keydown", "mousedown", "mousemove", "wheel", "touchstart", "input"].forEach(function (name) {
      document.addEventListener(name, noteAct, { passive: true, capture: true });
    });
    window.setInterval(look, LOOK);
    document.addEventListener("visibilitychange", look);
  }

  window.addEventListener("storage", function (event) {
    if (!place) {
      return;
    }
    if (event.key === "portal-login" && event.newValue !== place.dataset.login) {
      changed();
    } else if (event.key === "portal-locked") {
      cover(false);
    } else if (event.key === "portal-unlocked" && locked() && kept("portal-login") === place.dataset.login) {
      uncover();
    }
  });

  document.addEventListener(
    "submit",
    function (event) {
      if (place && event.target.matches("[data-unlock-form]")) {
        event.preventDefault();
        unlock(event.target);
      }
    },
    true
  );

  document.addEventListener("click", function (event) {
    if (place && event.target.closest("[data-lock-now]")) {
      event.preventDefault();
      lockNow();
    }
    var drop = event.target.closest("details[data-operator]");
    if (drop && event.target.closest("summary")) {
      window.setTimeout(function () {
        if (drop.open) {
          drop.querySelector("[name=username]").focus();
        }
      }, 0);
    }
  });

  // Pages that ask by themselves must not look like a person at work.
  document.addEventListener("htmx:configRequest", function (event) {
    event.detail.headers["X-Portal-Idle"] = String(idleSeconds());
  });
  document.addEventListener("portal-locked", function () {
    if (place) {
      cover(false);
    }
  });

  document.addEventListener("DOMContentLoaded", start);
})();
