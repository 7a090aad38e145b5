// What a call's card says, in words and numbers.

import { SEVERITIES } from "./appearance.js";
import { clock, duration, percent, plural } from "./format.js";

// A lag that a person should know about.
const NOTABLE_LAG_S = 1.5;

/** One moment of a card; compared before anything is drawn. */
export function faceOf(call, appearance) {
  const { info, current, main } = call;
  const [word, detail] = words(call, current, appearance);
  const { waiting } = call;
  const gravest = gravestOf(waiting);
  const [health, troubled] = healthOf(call, appearance);
  return {
    name: info.name,
    state: call.over ? null : (current?.state ?? null),
    label: call.over ? null : (current?.label ?? null),
    word,
    detail,
    party: main && call.streams.length > 1 ? appearance.streamName(main.stream) : "",
    time: clock(info.elapsed_s ?? 0),
    speaking: call.speaking,
    alert: gravest?.rule ?? "",
    message: gravest?.message ?? "",
    severity: gravest?.severity ?? null,
    nWaiting: waiting.length,
    health,
    troubled,
    over: call.over,
    recorded: Boolean(info.recording) && !call.over,
  };
}

/** The same for screen readers. */
export function spoken(face) {
  const parts = [face.message, face.party, `${face.word} ${face.detail}`.trim(), face.health];
  if (face.recorded) parts.push("being recorded");
  return parts.filter(Boolean).join(", ");
}

/** The gravest of some alerts, of equals the newest. */
function gravestOf(alerts) {
  let gravest = null;
  for (const alert of alerts) {
    const rank = SEVERITIES.indexOf(alert.severity);
    if (!gravest || rank >= SEVERITIES.indexOf(gravest.severity)) gravest = alert;
  }
  return gravest;
}

function words(call, current, appearance) {
  if (call.info.state === "failed") return ["failed", ""];
  if (call.over) return ["ended", ""];
  if (!current) return [call.info.state === "starting" ? "opening…" : "listening…", ""];
  if (current.state === "speech" && current.label != null) {
    const sure = current.confidence ?? current.probabilities?.[current.label];
    return [appearance.name(current.label), sure == null ? "" : percent(sure)];
  }
  return [appearance.stateName(current.state), ""];
}

/** How the engine is doing, and whether that matters. */
export function healthOf(call, appearance) {
  const { info, status } = call;
  if (info.state === "failed") return [info.reason ?? "The engine stopped.", true];
  if (call.over) return [info.reason ?? `lasted ${duration(info.elapsed_s ?? 0)}`, false];
  if (info.state === "reconnecting") return ["reconnecting", true];
  if (info.state === "starting") return ["opening the source", false];
  const missing = status?.streams?.find((stream) => stream.missing);
  if (missing) return [`${appearance.streamName(missing.stream)} is away`, true];
  const lag = (status?.lag_ms ?? 0) / 1000;
  if (lag >= NOTABLE_LAG_S) return [`${lag.toFixed(1)} s behind`, true];
  if (info.audio?.lost_s >= 0.05) return [`${info.audio.lost_s.toFixed(1)} s of sound lost`, true];
  if (status?.overflows) return [plural(status.overflows, "block lost", "blocks lost"), true];
  if (status?.windows_skipped) {
    return [plural(status.windows_skipped, "window skipped", "windows skipped"), true];
  }
  if (status?.hint) return [status.hint, true];
  return ["on time", false];
}
