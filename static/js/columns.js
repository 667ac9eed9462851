// The column chooser: rows move up and down instead of numbers being typed. Without this file the numbers count.
(function () {
  "use strict";

  function number(body) {
    Array.prototype.forEach.call(body.rows, function (row, place) {
      row.querySelector('input[type="text"]').value = place + 1;
    });
  }

  function ready() {
    document.querySelectorAll("form[data-chooser]").forEach(function (form) {
      form.classList.add("is-moving");
      form.querySelectorAll(".chooser-moves").forEach(function (moves) {
        moves.hidden = false;
      });
    });
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-chooser] [data-move]");
    if (!button) {
      return;
    }
    var row = button.closest("tr");
    var body = row.parentElement;
    if (button.dataset.move === "-1" && row.previousElementSibling) {
      body.insertBefore(row, row.previousElementSibling);
    } else if (button.dataset.move === "1" && row.nextElementSibling) {
      body.insertBefore(row.nextElementSibling, row);
    }
    number(body);
    button.focus();
  });

  document.addEventListener("DOMContentLoaded", ready);
  document.addEventListener("htmx:afterSettle", ready);
})();
