const greeting = document.querySelector("#greeting");
greeting.textContent = `hello from web, ${new Date().getFullYear()}`;
