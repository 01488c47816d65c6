// Keeps the pages Live and Products fresh: each event has the new content of the element whose id is its name. Shows when nothing comes any more.
"use strict";
(() => {
  const lost = document.getElementById("lost");
  const silentAfter = 6500; // Milliseconds: three times the server's beat, and some.
  let source, heardAt, retry;

  const show = (old) => {
    lost.hidden = !old;
    document.body.classList.toggle("old", old);
  };
  const heard = () => {
    heardAt = Date.now();
    show(false);
  };
  const connect = () => {
    if (source) source.close();
    heardAt = Date.now();
    source = new EventSource("/events");
    source.addEventListener("beat", heard);
    for (const id of ["station", "trouble", "state", "verdict", "picture", "alarms", "figures", "products"]) {
      const region = document.getElementById(id);
      if (!region) continue;
      source.addEventListener(id, (event) => {
        heard();
        const focused = region.contains(document.activeElement);
        region.innerHTML = event.data;
        if (focused) region.querySelector("a, button")?.focus();
      });
    }
    // A browser gives up for good on an answer that is no stream, as while the server starts.
    source.onerror = () => {
      show(true);
      clearTimeout(retry);
      if (source.readyState === EventSource.CLOSED) retry = setTimeout(connect, 2000);
    };
  };
  connect();
  setInterval(() => {
    if (Date.now() - heardAt > silentAfter) {
      show(true);
      connect();
    }
  }, 1000);

  // Whoever may only look has no button.
  const form = document.getElementById("acknowledge");
  if (!form) return;
  const answer = document.getElementById("answer");
  const button = form.querySelector("button");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    answer.textContent = "";
    try {
      const body = new URLSearchParams(new FormData(form));
      const response = await fetch(form.action, { method: "POST", headers: { Accept: "text/plain" }, body });
      answer.textContent = await response.text();
    } catch {
      show(true);
    }
    button.disabled = false;
    button.focus();
  });
})();
