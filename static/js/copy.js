// A button that copies a field's text: <button data-copy="id of the field">. Without this file the text stands there to
// be chosen and copied by hand.
(function () {
  "use strict";

  function said(button, words) {
    var before = button.dataset.words || button.textContent;
    button.dataset.words = before;
    button.textContent = words;
    window.setTimeout(function () {
      button.textContent = before;
    }, 2000);
  }

  // Older browsers, and pages that did not come over https, have no clipboard of their own.
  function byHand(field) {
    field.focus();
    field.select();
    try {
      return document.execCommand("copy");
    } catch (error) {
      return false;
    }
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-copy]");
    var field = button && document.getElementById(button.dataset.copy);
    if (!field) {
      return;
    }
    function fallback() {
      said(button, byHand(field) ? "已复制" : "请按 Ctrl+C");
    }
    if (navigator.clipboard && window.isSecureContext) {
      navigator.clipboard.writeText(field.value).then(function () {
        said(button, "已复制");
      }, fallback);
    } else {
      fallback();
    }
  });
})();
