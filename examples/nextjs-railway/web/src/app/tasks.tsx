"use client";

import { type FormEvent, useCallback, useEffect, useState } from "react";

import { addTask, changeTask, deleteTask, forgetToken, listTasks, type Task } from "@/lib/api";
import { authClient } from "@/lib/auth-client";

/** The signed-in person's tasks, which the back end keeps. */
export function Tasks({ name }: { name: string }) {
  const [tasks, setTasks] = useState<Task[]>([]);
  const [problem, setProblem] = useState("");

  const after = useCallback(async (change: Promise<unknown>) => {
    try {
      await change;
      setTasks(await listTasks());
      setProblem("");
    } catch (error) {
      setProblem(String(error));
    }
  }, []);

  useEffect(() => void after(Promise.resolve()), [after]);

  function add(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    void after(addTask(String(new FormData(form).get("title"))));
    form.reset();
  }

  async function signOut() {
    forgetToken();
    await authClient.signOut();
  }

  return (
    <>
      <header>
        <h1>{name}&rsquo;s tasks</h1>
        <button type="button" className="quiet" onClick={signOut}>
          Sign out
        </button>
      </header>
      <form onSubmit={add} className="row">
        <input name="title" aria-label="New task" maxLength={200} required />
        <button type="submit">Add</button>
      </form>
      <ul>
        {tasks.map((task) => (
          <li key={task.id} className="row">
            <label>
              <input
                type="checkbox"
                checked={task.done}
                onChange={() => after(changeTask({ ...task, done: !task.done }))}
              />
              {task.title}
            </label>
            <button type="button" className="quiet" onClick={() => after(deleteTask(task.id))}>
              Delete
            </button>
          </li>
        ))}
      </ul>
      <p role="alert">{problem}</p>
    </>
  );
}
