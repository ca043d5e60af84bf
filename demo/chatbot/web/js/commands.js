// What the chatbot understands: one command a line, each at most one call to the API.

export const HELP = [
  ["list", "show your tasks"],
  ["add …", "add a task"],
  ["done 2", "finish the second task"],
  ["undo 2", "open it again"],
  ["delete 2", "delete it"],
];

/** The command makes no sense; `message` says what would. */
export class NotUnderstood extends Error {}

/** @param {(method: string, path: string, body?: object) => Promise<any>} call on one's own tasks */
export function createCommands(call) {
  const commands = {
    help: () => ({ text: "I understand these words:", help: HELP }),
    list,
    add,
    done: (rest) => finish(rest, true),
    undo: (rest) => finish(rest, false),
    delete: remove,
  };

  async function list() {
    const tasks = await call("GET", "");
    const text = tasks.length ? `You have ${count(tasks)}:` : "Your list is empty. Try “add Buy milk”.";
    return { text, tasks };
  }

  async function add(title) {
    if (!title) throw new NotUnderstood("Add what? Try “add Buy milk”.");
    const task = await call("POST", "", { title });
    return { text: `Added “${task.title}”.` };
  }

  async function finish(rest, done) {
    const { id, title } = await numbered(rest);
    await call("PATCH", `/${id}`, { done });
    return { text: done ? `Done: “${title}”.` : `Open again: “${title}”.` };
  }

  async function remove(rest) {
    const { id, title } = await numbered(rest);
    await call("DELETE", `/${id}`);
    return { text: `Deleted “${title}”.` };
  }

  async function numbered(rest) {
    const tasks = await call("GET", "");
    const task = /^\d+$/.test(rest) ? tasks[Number(rest) - 1] : undefined;
    if (!task) throw new NotUnderstood(`Which one? Give its number in the list, 1 to ${tasks.length}.`);
    return task;
  }

  /** Run one line; the answer is `{ text, tasks?, help? }`. */
  return (line) => {
    const [, word, rest] = line.trim().match(/^(\S+)\s*(.*)$/s);
    const name = word.toLowerCase();
    if (Object.hasOwn(commands, name)) return commands[name](rest);
    throw new NotUnderstood(`I do not know “${word}”. Say “help” to see what I understand.`);
  };
}

function count(tasks) {
  return tasks.length === 1 ? "one task" : `${tasks.length} tasks`;
}
