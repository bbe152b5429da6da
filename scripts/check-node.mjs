// Imported first by every script: old syntax only, so that an old Node gets this message and not a syntax error.
var MINIMUM = [20, 19];
var version = process.versions.node.split('.').map(Number);
if (version[0] < MINIMUM[0] || (version[0] === MINIMUM[0] && version[1] < MINIMUM[1])) {
  console.error(
    'Rejoin needs Node ' +
      MINIMUM.join('.') +
      ' or newer; this is ' +
      process.versions.node +
      ' (' +
      process.execPath +
      ').',
  );
  console.error('Get a newer one from https://nodejs.org or with your version manager, for example: nvm install 20');
  process.exit(1);
}
