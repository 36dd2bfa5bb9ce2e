// The page Detect: objects in the visitor's own pictures, found, shown, counted, measured, edited.

import { mount } from '../shell/shell';

function Detect() {
  return <h1>Detect</h1>;
}

mount('detect', Detect);
