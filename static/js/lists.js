// Lists: choosing rows, the bar that counts them, swapping the card instead of loading the page.
(function () {
  "use strict";

  function form() {
    return document.querySelector("form[data-selection]");
  }

  function boxes(place) {
    return Array.prototype.slice.call(place.querySelectorAll('input[name="row"]'));
  }

  function setEvery(place, every) {
    var field = place.querySelector("[data-all]");
    if (field) {
      field.value = every ? "1" : "";
    }
  }

  function isEvery(place) {
    var field = place.querySelector("[data-all]");
    return Boolean(field) && field.value === "1";
  }

  function show() {
    var place = form();
    if (!place) {
      return;
    }
    var all = boxes(place);
    var chosen = all.filter(function (box) {
      return box.checked;
    });
    var every = isEvery(place);
    all.forEach(function (box) {
      box.closest("tr").classList.toggle("is-chosen", box.checked);
    });
    var head = place.querySelector("[data-select-page]");
    if (head) {
      head.checked = all.length > 0 && chosen.length === all.length;
      head.indeterminate = chosen.length > 0 && chosen.length < all.length;
    }
    var bar = place.querySelector("[data-chosen]");
    if (bar) {
      bar.hidden = chosen.length === 0;
      bar.querySelector("[data-chosen-count]").textContent = every ? Number(place.elements.count.value).toLocaleString("en") : chosen.length;
      bar.querySelector("[data-all-note]").hidden = !every;
      var more = bar.querySelector("[data-choose-all]");
      if (more) {
        more.disabled = every;
      }
    }
    place.querySelectorAll("[data-batch]").forEach(function (button) {
      button.disabled = chosen.length === 0;
      button.parentElement.title = chosen.length === 0 ? "请先在列表里勾选记录" : "";
    });
  }

  function chooseAll(place, yes) {
    boxes(place).forEach(function (box) {
      box.checked = yes;
    });
  }

  document.addEventListener("change", function (event) {
    var place = form();
    if (!place || !place.contains(event.target)) {
      return;
    }
    if (event.target.matches("[data-select-page]")) {
      chooseAll(place, event.target.checked);
    }
    // Any change by hand means these rows again and no longer all that match.
    setEvery(place, false);
    show();
  });

  document.addEventListener("click", function (event) {
    var place = form();
    if (!place) {
      return;
    }
    if (event.target.closest("[data-choose-all]")) {
      chooseAll(place, true);
      setEvery(place, true);
      show();
    } else if (event.target.closest("[data-choose-none]")) {
      chooseAll(place, false);
      setEvery(place, false);
      show();
    }
  });

  document.addEventListener("click", function (event) {
    var link = event.target.closest("#list-card a[data-swap]");
    if (!link || !window.htmx || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) {
      return;
    }
    event.preventDefault();
    window.htmx.ajax("GET", link.href, { target: "#list-card", swap: "outerHTML" });
  });

  // A second click on 导出 would make the file twice. Dead a moment later (a disabled button is not sent), then alive
  // again: a download leaves the page standing.
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-export]");
    if (!button) {
      return;
    }
    window.setTimeout(function () {
      button.disabled = true;
    }, 0);
    window.setTimeout(function () {
      button.disabled = false;
    }, 5000);
  });

  document.addEventListener("htmx:afterSettle", show);
  document.addEventListener("DOMContentLoaded", show);
  window.addEventListener("pageshow", show);
})();
