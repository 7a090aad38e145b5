// What a call's card says, in words and numbers.

import { SEVERITIES } from "./appearance.js";
import { clock, duration, length, number, percent } from "./format.js";
import { ntr, tr } from "./texts.js";

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
    why: call.over ? "" : (current?.why ?? ""),
    party: main && call.streams.length > 1 ? appearance.streamName(main.stream) : "",
    time: (call.over ? length : clock)(info.elapsed_s ?? 0),
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
  const parts = [face.message, face.party, `${face.word} ${face.detail}`.trim(), face.why, face.health];
  if (face.recorded) parts.push(tr("being recorded"));
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
  if (call.info.state === "failed") return [tr("failed"), ""];
  if (call.over) return [tr("ended"), ""];
  if (!current) return [call.info.state === "starting" ? tr("opening…") : tr("listening…"), ""];
  if (current.state === "speech" && current.label != null) {
    const sure = current.confidence ?? current.probabilities?.[current.label];
    return [appearance.name(current.label), sure == null ? "" : percent(sure)];
  }
  return [appearance.stateName(current.state), ""];
}

/** How the engine is doing, and whether that matters. */
export function healthOf(call, appearance) {
  const { info, status } = call;
  if (info.state === "failed") return [info.reason ?? tr("The engine stopped."), true];
  if (call.over) return [info.reason ?? tr("lasted {time}", { time: duration(info.elapsed_s ?? 0) }), false];
  if (info.state === "reconnecting") return [tr("reconnecting"), true];
  if (info.state === "starting") return [tr("opening the source"), false];
  const missing = status?.streams?.find((stream) => stream.missing);
  if (missing) return [tr("{party} is away", { party: appearance.streamName(missing.stream) }), true];
  const lag = (status?.lag_ms ?? 0) / 1000;
  if (lag >= NOTABLE_LAG_S) return [tr("{seconds} s behind", { seconds: number(lag, 1) }), true];
  if (info.audio?.lost_s >= 0.05) return [tr("{seconds} s of sound lost", { seconds: number(info.audio.lost_s, 1) }), true];
  if (status?.overflows) return [ntr("{count} block lost", "{count} blocks lost", status.overflows), true];
  if (status?.windows_skipped) {
    return [ntr("{count} window skipped", "{count} windows skipped", status.windows_skipped), true];
  }
  if (status?.hint) return [status.hint, true];
  return [tr("on time"), false];
}
