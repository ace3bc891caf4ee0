mod histories;
mod items;
