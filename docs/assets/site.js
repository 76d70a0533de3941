// Dashes before a word are operators to the search, and options begin with them: an option is looked for by all its
// words. What is typed stays as it is.
const post = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (message, ...rest) {
  const words = (option) => `"${option.replaceAll("-", " ")}"`;
  const plain = message && typeof message.data === "string"
    ? { ...message, data: message.data.replace(/(^|\s)-+(\w[\w-]*)/g, (_, before, option) => before + words(option)) }
    : message;
  return post.call(this, plain, ...rest);
};

// A copy button of a session copies its commands: neither their prompt nor what they print.
document.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest("[data-clipboard-target]") : null;
  const code = button && document.querySelector(button.dataset.clipboardTarget);
  if (!code || !code.querySelector(".gp")) return;
  const commands = code.cloneNode(true);
  for (const other of commands.querySelectorAll(".gp, .go")) other.remove();
  button.dataset.clipboardText = commands.textContent.split("\n").filter((line) => line.trim()).join("\n");
}, true);
