// Dashes before a word are operators to the search; options begin with them. What is typed stays as it is.
const post = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (message, ...rest) {
  const plain = message && typeof message.data === "string"
    ? { ...message, data: message.data.replace(/(^|\s)-+(?=\w)/g, "$1") }
    : message;
  return post.call(this, plain, ...rest);
};
