"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const length = Number(document.body.dataset.length) || 1;
  const texts = JSON.parse(document.body.dataset.texts);
  const tenths = (s) => texts.seconds.replace(/0\D0/, s.toFixed(1).replace(".", texts.decimal));
  const over = $("over"), cursor = $("cursor"), hair = $("hair"), tip = $("tip");
  const scroll = document.querySelector(".scroll"), chart = document.querySelector(".chart");
  const clock = (t) => {
    const s = Math.max(0, Math.floor(t)), m = Math.floor(s / 60) % 60, h = Math.floor(s / 3600);
    const two = (n) => String(n).padStart(2, "0");
    return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
  };
  const spans = [...document.querySelectorAll(".span")].map((node) => ({
    node, start: Number(node.dataset.s), end: Number(node.dataset.e), label: node.dataset.l,
    sure: node.dataset.p, track: node.parentNode.dataset.name,
  }));

  // The axis: as many ticks as there is room for, at round times.
  const steps = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
  const drawAxis = () => {
    const axis = $("axis"), room = axis.clientWidth / (length < 3600 ? 76 : 110);
    const step = steps.find((one) => length / one <= room) || 7200;
    axis.textContent = "";
    for (let t = 0; t <= length; t += step) {
      const tick = document.createElement("div");
      tick.className = (length - t) / length * axis.clientWidth < (length < 3600 ? 46 : 60) ? "tick last" : "tick";
      tick.style.left = `${100 * t / length}%`;
      tick.textContent = step < 1 ? tenths(t) : clock(t);
      axis.append(tick);
    }
  };
  drawAxis();
  new ResizeObserver(drawAxis).observe($("axis"));

  // Sound: inside the page, or a file beside it.
  const store = $("sound");
  const audio = store ? new Audio() : null;
  if (store && store.dataset.link) {
    audio.src = store.dataset.link;
  } else if (store) {
    const text = atob(store.textContent);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
    store.textContent = "";
    audio.src = URL.createObjectURL(new Blob([bytes], { type: store.dataset.type }));
  }
  let now = 0;
  const place = (t, follow) => {
    now = Math.min(Math.max(0, t), length);
    cursor.style.left = `${100 * now / length}%`;
    if ($("now")) $("now").textContent = clock(now);
    const heard = $("heard");
    if (heard) {
      heard.textContent = "";
      for (const span of spans) {
        if (span.start <= now && now < span.end && span.node.parentNode.classList.contains("model")) {
          const chip = document.createElement("span"), swatch = document.createElement("i");
          chip.className = "chip";
          swatch.className = span.node.classList[1];
          chip.append(swatch, span.label + (span.sure ? ` ${span.sure}` : ""));
          heard.append(chip);
        }
      }
    }
    if (follow && scroll.scrollWidth > scroll.clientWidth) {
      const x = over.offsetLeft + over.clientWidth * now / length - scroll.scrollLeft;
      if (x < over.offsetLeft || x > scroll.clientWidth - 40) {
        scroll.scrollLeft += x - scroll.clientWidth * 0.3;
      }
    }
  };
  const seek = (t, follow = true) => {
    if (audio) audio.currentTime = Math.min(t, Math.max(0, length - 0.01));
    place(t, follow);
  };
  if (audio) {
    const tick = () => {
      place(audio.currentTime, true);
      if (!audio.paused) requestAnimationFrame(tick);
    };
    const state = () => document.body.classList.toggle("playing", !audio.paused);
    audio.addEventListener("play", () => { state(); tick(); });
    audio.addEventListener("pause", state);
    audio.addEventListener("ended", state);
    audio.addEventListener("error", () => {
      const note = document.createElement("span");
      note.className = "note";
      note.textContent = store.dataset.link
        ? texts.gone : texts.unplayable;
      document.querySelector(".player").replaceChildren(note);
    });
    const toggle = () => (audio.paused ? audio.play() : audio.pause());
    $("play").addEventListener("click", toggle);
    $("speed").addEventListener("change", (event) => { audio.playbackRate = Number(event.target.value); });
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
      const jump = { ArrowLeft: -5, ArrowRight: 5 }[event.key];
      if (jump) seek(audio.currentTime + jump);
      else if (event.key === " " && !/^(BUTTON|SUMMARY)$/.test(event.target.tagName)) toggle();
      else return;
      event.preventDefault();
    });
  } else {
    document.body.classList.add("mute");
  }

  // Pointing and clicking on the timeline.
  const timeAt = (event) => {
    const box = over.getBoundingClientRect();
    return Math.min(Math.max(0, (event.clientX - box.left) / box.width), 1) * length;
  };
  const line = (text, strong) => {
    const node = document.createElement(strong ? "b" : "div");
    node.textContent = text;
    tip.append(node);
  };
  over.addEventListener("pointermove", (event) => {
    const t = timeAt(event);
    hair.style.visibility = "visible";
    hair.style.left = `${100 * t / length}%`;
    tip.textContent = "";
    line(clock(t), true);
    const here = spans.filter((span) => {
      const box = span.node.parentNode.getBoundingClientRect();
      return span.start <= t && t < span.end && (event.clientY >= box.top - 3 && event.clientY <= box.bottom + 3);
    });
    const shown = here.length ? here : spans.filter((span) => span.start <= t && t < span.end);
    for (const span of shown.slice(0, 6)) {
      const sure = span.sure ? ` ${span.sure}` : "";
      line(`${span.label}${sure} · ${span.track}, ${tenths(span.end - span.start)}`);
    }
    for (const mark of document.querySelectorAll(".alert")) {
      if (Math.abs(Number(mark.dataset.s) - t) < length * 8 / over.clientWidth) line(mark.dataset.l);
    }
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.min(event.clientX + 14, innerWidth - box.width - 8)}px`;
    tip.style.top = `${Math.min(event.clientY + 18, innerHeight - box.height - 8)}px`;
  });
  over.addEventListener("pointerleave", () => { hair.style.visibility = "hidden"; tip.hidden = true; });
  over.addEventListener("click", (event) => seek(timeAt(event), false));

  for (const button of document.querySelectorAll(".seek")) {
    button.addEventListener("click", () => seek(Number(button.dataset.s)));
  }
  for (const button of document.querySelectorAll(".jump")) {
    button.addEventListener("click", () => {
      const own = spans.filter((span) => span.label === button.dataset.l).sort((a, b) => a.start - b.start);
      const next = own.find((span) => span.start > now + 0.01) || own[0];
      if (next) seek(next.start);
    });
  }
  document.querySelector(".zoom input").addEventListener("input", (event) => {
    const middle = (scroll.scrollLeft + scroll.clientWidth / 2) / scroll.scrollWidth;
    chart.style.setProperty("--zoom", 2 ** Number(event.target.value));
    scroll.scrollLeft = middle * scroll.scrollWidth - scroll.clientWidth / 2;
  });
  place(0, false);
})();
