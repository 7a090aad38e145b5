// The log-in: a token for a cookie that scripts cannot read.

import { request } from "./api.js";
import { find, setAttribute, setText, show } from "./dom.js";
import { tr } from "./texts.js";

// The cookie cannot be seen from here, so that it is remembered that there should be one.
const KEPT_UNDER = "emolive.logged-in";

/** Who is logged in, or null. */
export async function whoAmI() {
  if (!localStorage.getItem(KEPT_UNDER)) return null;
  try {
    return await request("v1/me");
  } catch (error) {
    if (error.status !== 401) throw error;
    forget();
    return null;
  }
}

/** Nobody is logged in any more. */
export const forget = () => localStorage.removeItem(KEPT_UNDER);

/** Ask for the token until the server takes one; resolves to who that is. */
export function askForToken(form, reason = "") {
  const token = find("#token", form);
  const problem = find("#log-in-problem", form);
  const button = find("button", form);
  const tell = (text) => {
    setText(problem, text);
    show(problem, text !== "");
    setAttribute(token, "aria-invalid", text === "" ? null : "true");
  };
  tell(reason);
  show(form, true);
  token.focus();
  return new Promise((resolve) => {
    form.onsubmit = async (event) => {
      event.preventDefault();
      button.disabled = true;
      try {
        const who = await request("v1/login", { method: "POST", body: { token: token.value.trim() } });
        localStorage.setItem(KEPT_UNDER, "yes");
        token.value = "";
        tell("");
        show(form, false);
        resolve(who);
      } catch (error) {
        const wait = error.retryAfter ? ` ${tr("Try again in {seconds} s.", { seconds: error.retryAfter })}` : "";
        tell(`${error.message}${error.message.includes(" again") ? "" : wait}`);
        token.select();
      } finally {
        button.disabled = false;
      }
    };
  });
}
