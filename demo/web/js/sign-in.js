// The form that signs people up and in.

const $ = (id) => document.getElementById(id);
const MODES = {
  up: {
    title: "Create an account",
    hint: "It lives in this machine’s demo database. Any address will do.",
    submit: "Sign up",
    text: "Have an account already?",
    other: "Sign in",
    autocomplete: "new-password",
  },
  in: {
    title: "Welcome back",
    hint: "Sign in with the address that you signed up with.",
    submit: "Sign in",
    text: "New here?",
    other: "Create an account",
    autocomplete: "current-password",
  },
};

/** Wire the form to the session: its `signUp` and `signIn` tell why when they refuse. */
export function createSignIn(session) {
  let mode = "up";

  $("switch").addEventListener("click", () => {
    setMode(mode === "up" ? "in" : "up");
    $(mode === "up" ? "name" : "email").focus();
  });

  $("sign-in-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const person = Object.fromEntries(new FormData(event.target));
    alertOf("");
    $("sign-in-submit").disabled = true;
    try {
      await (mode === "up" ? session.signUp(person) : session.signIn(person));
      event.target.reset();
      setMode("in");
    } catch (error) {
      alertOf(error.message);
    } finally {
      $("sign-in-submit").disabled = false;
    }
  });

  function setMode(next) {
    mode = next;
    const words = MODES[mode];
    $("sign-in-title").textContent = words.title;
    document.querySelector(".sign-in__hint").textContent = words.hint;
    $("sign-in-submit").textContent = words.submit;
    $("switch-text").textContent = words.text;
    $("switch").textContent = words.other;
    $("password").autocomplete = words.autocomplete;
    $("name-field").hidden = mode === "in";
    $("name").disabled = mode === "in";
    $("password-hint").hidden = mode === "in";
    alertOf("");
  }
}

function alertOf(text) {
  $("sign-in-alert").textContent = text;
  $("sign-in-alert").hidden = !text;
}
