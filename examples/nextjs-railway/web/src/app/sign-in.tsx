"use client";

import { type FormEvent, useState } from "react";

import { authClient } from "@/lib/auth-client";

/** Sign up or in with e-mail and password. */
export function SignIn() {
  const [isNew, setNew] = useState(true);
  const [problem, setProblem] = useState("");

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [name, email, password] = ["name", "email", "password"].map((key) =>
      String(form.get(key) ?? ""),
    ) as [string, string, string];
    const { error } = isNew
      ? await authClient.signUp.email({ name, email, password })
      : await authClient.signIn.email({ email, password });
    setProblem(error?.message ?? "");
  }

  return (
    <form onSubmit={submit}>
      <h1>{isNew ? "Sign up" : "Sign in"}</h1>
      {isNew && (
        <label>
          Name <input name="name" autoComplete="name" required />
        </label>
      )}
      <label>
        E-mail <input name="email" type="email" autoComplete="email" required />
      </label>
      <label>
        Password
        <input
          name="password"
          type="password"
          autoComplete={isNew ? "new-password" : "current-password"}
          minLength={8}
          required
        />
      </label>
      <button type="submit">{isNew ? "Sign up" : "Sign in"}</button>
      <button type="button" className="quiet" onClick={() => setNew(!isNew)}>
        {isNew ? "I have an account" : "I am new here"}
      </button>
      <p role="alert">{problem}</p>
    </form>
  );
}
