// The page Explore: the architecture, taught on the visitor's own picture with live data.

import { mount } from '../shell/shell';

function Explore() {
  return <h1>Explore</h1>;
}

mount('explore', Explore);
