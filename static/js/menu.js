/* The menu's search by everyday words, and the bell that looks for news while the page is seen. */
(function () {
  "use strict";

  function plain(text) {
    return text.toLowerCase().replace(/\s+/g, "");
  }

  function wireSearch() {
    var field = document.querySelector("[data-menu-search]");
    if (!field) return;
    field.parentNode.hidden = false;
    var lines = Array.prototype.slice.call(document.querySelectorAll("[data-menu-words]"));

    function fitting() {
      var asked = plain(field.value);
      return lines.filter(function (line) {
        return asked && plain(line.getAttribute("data-menu-words")).indexOf(asked) >= 0;
      });
    }

    field.addEventListener("input", function () {
      var found = fitting();
      lines.forEach(function (line) {
        line.classList.toggle("is-found", found.indexOf(line) >= 0);
        line.hidden = Boolean(plain(field.value)) && found.indexOf(line) < 0;
      });
      document.querySelectorAll(".menu-fold").forEach(function (fold) {
        var left = fold.querySelector("[data-menu-words]:not([hidden])");
        fold.hidden = !left;
        if (left) fold.open = true;
      });
    });
    field.addEventListener("keydown", function (event) {
      if (event.key === "Enter" && fitting().length) {
        event.preventDefault();
        window.location.href = fitting()[0].href;
      }
      if (event.key === "Escape") {
        field.value = "";
        field.dispatchEvent(new Event("input"));
      }
    });
  }

  function wireBell() {
    window.setInterval(function () {
      var bell = document.getElementById("bell");
      // an open bell is being read: it must not close under the person's eyes
      if (bell && !bell.open && document.visibilityState === "visible" && window.htmx) {
        window.htmx.trigger(document.body, "bell");
      }
    }, 30000);
  }

  document.addEventListener("DOMContentLoaded", function () {
    wireSearch();
    wireBell();
  });
})();
