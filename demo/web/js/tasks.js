// The list of tasks: each change is one call, and what the API answers is what is shown.

const $ = (id) => document.getElementById(id);

/**
 * @param {{ call: Function }} api
 * @param {() => string} userId of the person who is signed in
 */
export function createTasks(api, userId) {
  const items = new Map();
  const base = () => `/api/user/${userId()}/tasks`;

  $("add-form").addEventListener("submit", (event) => {
    event.preventDefault();
    void attempt(add);
  });

  async function load() {
    clear();
    for (const task of await api.call("List tasks", "GET", base())) place(task);
    drawCount();
  }

  async function add() {
    const title = $("new-task").value.trim();
    if (!title) return;
    place(await api.call("Add a task", "POST", base(), { title }));
    $("new-task").value = "";
    drawCount();
    say(`Added ${title}`);
  }

  function place(task) {
    const item = $("task-template").content.firstElementChild.cloneNode(true);
    items.set(task.id, { task, item });
    item.querySelector(".task__done").addEventListener("change", () => void attempt(() => toggle(task.id)));
    item.querySelector("[data-action=rename]").addEventListener("click", () => edit(task.id));
    item.querySelector("[data-action=delete]").addEventListener("click", () => void attempt(() => remove(task.id)));
    $("task-list").append(item);
    draw(task);
  }

  function draw(task) {
    const { item } = items.get(task.id);
    items.set(task.id, { task, item });
    item.querySelector(".task__done").checked = task.done;
    item.querySelector(".task__title").textContent = task.title;
    item.querySelector("[data-action=rename]").setAttribute("aria-label", `Rename ${task.title}`);
    item.querySelector("[data-action=delete]").setAttribute("aria-label", `Delete ${task.title}`);
  }

  async function toggle(id) {
    const { task } = items.get(id);
    try {
      draw(await api.call(task.done ? "Reopen a task" : "Finish a task", "PATCH", `${base()}/${id}`, { done: !task.done }));
    } finally {
      if (items.has(id)) draw(items.get(id).task);
    }
    drawCount();
  }

  function edit(id) {
    const { task, item } = items.get(id);
    const parts = [...item.children];
    const form = $("rename-template").content.firstElementChild.cloneNode(true);
    const close = () => {
      item.replaceChildren(...parts);
      item.querySelector("[data-action=rename]").focus();
    };
    form.title.value = task.title;
    form.addEventListener("keydown", (event) => event.key === "Escape" && close());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const title = form.title.value.trim();
      if (!title) return;
      close();
      void attempt(() => rename(id, title));
    });
    item.replaceChildren(form);
    form.title.select();
  }

  async function rename(id, title) {
    const { done } = items.get(id).task;
    draw(await api.call("Rename a task", "PUT", `${base()}/${id}`, { title, done }));
    say(`Renamed to ${title}`);
  }

  async function remove(id) {
    const { task, item } = items.get(id);
    await api.call("Delete a task", "DELETE", `${base()}/${id}`);
    const neighbour = item.nextElementSibling ?? item.previousElementSibling;
    item.remove();
    items.delete(id);
    drawCount();
    say(`Deleted ${task.title}`);
    (neighbour?.querySelector("[data-action=delete]") ?? $("new-task")).focus();
  }

  function drawCount() {
    const all = [...items.values()];
    const done = all.filter(({ task }) => task.done).length;
    $("tasks-count").textContent = all.length ? `${all.length - done} open, ${done} done` : "";
    $("no-tasks").hidden = all.length > 0;
  }

  function clear() {
    items.clear();
    $("task-list").replaceChildren();
    $("tasks-count").textContent = "";
    $("no-tasks").hidden = true;
    alertOf("");
  }

  return { load: () => attempt(load), clear };
}

/** Run one change; what fails is told beside the list. */
export async function attempt(change) {
  alertOf("");
  try {
    await change();
  } catch (error) {
    alertOf(`That did not work: ${error.message}.`);
  }
}

function alertOf(text) {
  $("tasks-alert").textContent = text;
  $("tasks-alert").hidden = !text;
}

function say(text) {
  $("status").textContent = text;
}
