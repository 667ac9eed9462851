// The drawer: a record's own page, shown beside the list. Without this file its links open the page itself.
(function () {
  "use strict";

  var BODY = "#drawer-body";
  var opener = null;

  function drawer() {
    return document.getElementById("drawer");
  }

  function shown() {
    var place = drawer();
    return Boolean(place) && !place.hidden;
  }

  function show() {
    var place = drawer();
    if (place.hidden) {
      opener = document.activeElement;
      place.hidden = false;
      document.body.classList.add("has-drawer");
    }
    place.focus({ preventScroll: true });
  }

  function close() {
    var place = drawer();
    if (!place || place.hidden) {
      return false;
    }
    place.hidden = true;
    document.querySelector(BODY).textContent = "";
    document.body.classList.remove("has-drawer");
    if (opener && document.contains(opener)) {
      opener.focus({ preventScroll: true });
    }
    return true;
  }

  function open(url) {
    window.htmx.ajax("GET", url, { target: BODY, swap: "innerHTML" });
  }

  function plain(event) {
    return event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  }

  function usable() {
    return Boolean(window.htmx) && Boolean(drawer());
  }

  // A selection of text in a row is not a click on it.
  function selecting() {
    return String(window.getSelection()).length > 0;
  }

  document.addEventListener("click", function (event) {
    if (!plain(event) || !usable()) {
      return;
    }
    if (event.target.closest("[data-drawer-close]") && shown()) {
      event.preventDefault();
      close();
      return;
    }
    var link = event.target.closest("a[data-drawer]");
    if (link) {
      event.preventDefault();
      open(link.href);
      return;
    }
    var row = event.target.closest("tr[data-href]");
    if (row && row.dataset.href && !event.target.closest("a,button,input,label,summary,details,select") && !selecting()) {
      open(row.dataset.href);
    }
  });

  // A button of the list asks for its confirmation panel; the panel appears in the drawer.
  document.addEventListener("click", function (event) {
    var button = event.target.closest("button[data-panel]");
    if (!button || !usable() || !button.form) {
      return;
    }
    event.preventDefault();
    var values = new FormData(button.form);
    if (button.name) {
      values.append(button.name, button.value);
    }
    var sent = {};
    values.forEach(function (value, name) {
      sent[name] = name in sent ? [].concat(sent[name], value) : value;
    });
    window.htmx.ajax("POST", button.formAction, { target: BODY, swap: "innerHTML", values: sent });
  });

  document.addEventListener("htmx:afterSwap", function (event) {
    if (event.detail.target && event.detail.target.id === "drawer-body") {
      event.detail.target.scrollTop = 0;
      show();
    }
  });

  // A refusal or an error page is for reading too: it has words for the person.
  document.addEventListener("htmx:beforeSwap", function (event) {
    var status = event.detail.xhr.status;
    if (status >= 400 && event.detail.target && event.detail.target.id === "drawer-body") {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });

  function tell(words) {
    var place = document.getElementById("messages");
    if (!place) {
      return;
    }
    var note = document.createElement("div");
    note.className = "alert note note-error";
    note.setAttribute("role", "alert");
    note.textContent = words;
    place.textContent = "";
    place.appendChild(note);
  }

  // A list that silently does not move would be taken for the answer.
  document.addEventListener("htmx:sendError", function () {
    tell("没有连上服务器，页面没有更新。请检查网络后重试；反复出现请联系信息科。");
  });
  document.addEventListener("htmx:responseError", function (event) {
    tell("服务器没有完成这次请求（代码 " + event.detail.xhr.status + "），页面没有更新。请刷新页面后重试；反复出现请联系信息科。");
  });

  window.portal.drawer = { open: open, close: close, shown: shown };
})();
