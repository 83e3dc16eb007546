import { byId } from "./format.js";
import { ImageTable } from "./image-table.js";
import { Model } from "./model.js";
import { startTheme } from "./theme.js";
import { Treemap } from "./treemap.js";

startTheme();
document.documentElement.classList.add("has-script");
const model = new Model(JSON.parse(byId("data").textContent ?? ""));
const map = new Treemap(model);
new ImageTable(model, (repository) => {
  const node = model.find(repository);
  if (!node) return;
  map.open(node, true);
  byId("map-section").scrollIntoView({ block: "start" });
});
